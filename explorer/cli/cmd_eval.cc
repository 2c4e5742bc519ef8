// deepthin eval
#include <fmt/format.h>

#include "explorer/cli/cmd_eval_logits.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/model_options.h"
#include "explorer/cli/progress.h"
#include "explorer/cli/shared_options.h"
#include "runtime/text/perplexity.h"
#include "spec/files.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

int Perplexity(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin eval perplexity MODEL --text FILE [options]",
       .text =
           "How well a model predicts a text. Protocol: paragraphs (split at blank lines, white\n"
           "space folded) longer than --min-chars characters, the first --paragraphs of them,\n"
           "each on its own as BOS + text cut to --max-tokens tokens; the mean over all\n"
           "predicted tokens. The standard error is from the spread between paragraphs. MODEL as\n"
           "in deepthin generate.",
       .examples = {"deepthin eval perplexity stories.gguf --text emma.txt",
                    "deepthin eval perplexity --model stories260K.bin --tokenizer tok512.bin "
                    "--text emma.txt --paragraphs all --json"}});
  line.Text("model", "the same as MODEL")
      .Text("tokenizer", "llama2.c tokenizer, sentencepiece model or GGUF file")
      .Text("text", "text file (UTF-8)")
      .Text("paragraphs", "how many, or all", "30")
      .Text("min-chars", "paragraphs must be longer than this", "200")
      .Text("max-tokens", "cut of a paragraph, BOS included", "256")
      .Text("seed", "of random weights", "1")
      .Positional("MODEL", 0, 1);
  AddModelOptions(line);
  AddThreadsOption(line);
  if (!line.Parse(arguments)) return 0;

  runtime::PerplexityOptions options;
  options.min_chars = line.GetInt("min-chars", 0, 1 << 30);
  options.max_tokens = line.GetInt("max-tokens", 2, 1 << 24);
  options.max_paragraphs.reset();
  if (*line.Get("paragraphs") != "all")
    options.max_paragraphs = line.GetInt("paragraphs", 1, 1 << 30);
  const std::string model = ModelFrom(line);
  const std::string text_path = Required(line, "text");

  const std::string text = ReadFile(text_path);
  runtime::ThreadPool pool(ThreadsFrom(line));
  const runtime::Weights weights = WeightsFromArgument(model, ModelOptionsFrom(line), pool);
  const auto tokenizer =
      TokenizerFromArgument(model, line.Get("tokenizer"), weights.spec.vocab_size);

  ProgressLine progress;
  const Stopwatch stopwatch;
  const auto result = runtime::Perplexity(
      weights, pool, tokenizer, text, text_path, options, [&](int64_t done, int64_t total) {
        progress.Show(done, total, "paragraphs", stopwatch.elapsed(), stopwatch.Eta(done, total),
                      "");
      });
  progress.Finish();
  if (line.json()) {
    Json out = {{"paragraphs", result.paragraphs},
                {"tokens", result.tokens},
                {"nll_per_token", result.nll_per_token},
                {"perplexity", result.perplexity}};
    if (result.standard_error) out["nll_standard_error"] = *result.standard_error;
    fmt::print("{}\n", out.dump(2));
    return 0;
  }
  fmt::print("perplexity {:.3f}  (nll/token {:.4f}{}, {} tokens in {} paragraphs)\n",
             result.perplexity, result.nll_per_token,
             result.standard_error ? fmt::format(" +- {:.4f}", *result.standard_error) : "",
             result.tokens, result.paragraphs);
  return 0;
}

}  // namespace

int RunEval(const Arguments& arguments) {
  return RunSubcommand("eval", arguments,
                       {{"perplexity", "how well a model predicts a text", Perplexity},
                        {"logits", "what a model says after a sequence of tokens", EvalLogits}});
}

}  // namespace deepthin::explorer

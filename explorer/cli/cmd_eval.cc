// deepthin eval
#include <fmt/format.h>

#include <array>
#include <utility>

#include "explorer/cli/cmd_eval_logits.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/model_options.h"
#include "explorer/cli/progress.h"
#include "explorer/cli/shared_options.h"
#include "runtime/text/choices.h"
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
  AddModelArguments(line);
  AddTokenizerOption(line);
  line.Text("text", "text file (UTF-8)")
      .Text("paragraphs", "how many, or all", "30")
      .Text("min-chars", "paragraphs must be longer than this", "200")
      .Text("max-tokens", "cut of a paragraph, BOS included", "256");
  if (!line.Parse(arguments)) return 0;

  runtime::PerplexityOptions options;
  options.min_chars = line.GetInt("min-chars", 0, 1 << 30);
  options.max_tokens = line.GetInt("max-tokens", 2, 1 << 24);
  options.max_paragraphs.reset();
  if (*line.Get("paragraphs") != "all")
    options.max_paragraphs = line.GetInt("paragraphs", 1, 1 << 30);
  const std::string text_path = Required(line, "text");

  const std::string text = ReadFile(text_path);
  OpenedModel model(line);
  const auto tokenizer = TokenizerFrom(line, model);

  ProgressLine progress;
  const Stopwatch stopwatch;
  const auto result =
      runtime::Perplexity(model.weights, model.pool, tokenizer, text, text_path, options,
                          [&](int64_t done, int64_t total) {
                            progress.Show(done, total, "paragraphs", stopwatch.elapsed(),
                                          stopwatch.Eta(done, total), "");
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

using runtime::ChoiceRule;

// The names in JSON and on the screen.
constexpr std::pair<ChoiceRule, const char*> kRules[] = {{ChoiceRule::kSum, "sum"},
                                                         {ChoiceRule::kPerToken, "per_token"},
                                                         {ChoiceRule::kPerByte, "per_byte"}};

struct ChoiceTally {
  Json items = Json::array();
  std::array<runtime::ChoiceAccuracy, std::size(kRules)> accuracies{};

  void Add(const runtime::ChoiceItem& item, const std::vector<runtime::ChoiceScore>& scores) {
    Json choices = Json::array();
    for (const runtime::ChoiceScore& score : scores) {
      choices.push_back({{"log_likelihood", score.log_likelihood},
                         {"tokens", score.tokens},
                         {"bytes", score.bytes}});
    }
    Json chosen = Json::object();
    for (size_t i = 0; i < std::size(kRules); ++i) {
      const int64_t choice = LikeliestChoice(scores, kRules[i].first);
      chosen[kRules[i].second] = choice;
      accuracies[i].right += choice == item.answer ? 1 : 0;
      ++accuracies[i].items;
    }
    items.push_back({{"line", item.line},
                     {"answer", item.answer},
                     {"chosen", std::move(chosen)},
                     {"choices", std::move(choices)}});
  }
};

int Choices(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin eval choices MODEL --data FILE [--tokenizer FILE] [options]",
       .text =
           "Multiple choice: how often the right continuation is the likeliest, by the sum of its\n"
           "tokens' log-likelihoods, and by the mean per token and per byte. Each line of the "
           "data\n"
           "is {\"context\": \"...\", \"choices\": [\"...\", ...], \"answer\": 0}, or has its "
           "contexts in\n"
           "the choices: {\"choices\": [{\"context\": \"...\", \"continuation\": \"...\"}, ...],\n"
           "\"answer\": 0}. A continuation is appended as it is written, with its leading space.\n"
           "--json has every item.",
       .examples = {"deepthin eval choices --model stories260K.bin --tokenizer tok512.bin "
                    "--data items.jsonl"}});
  AddModelArguments(line);
  AddTokenizerOption(line);
  line.Text("data", "file of items, one JSON object a line");
  if (!line.Parse(arguments)) return 0;
  const std::string data_path = Required(line, "data");

  const auto items = runtime::ChoiceItemsFromJsonl(ReadFile(data_path), data_path);
  OpenedModel model(line);
  const auto tokenizer = TokenizerFrom(line, model);

  runtime::ChoiceScorer scorer(model.weights, model.pool, tokenizer);
  ChoiceTally tally;
  ProgressLine progress;
  const Stopwatch stopwatch;
  const auto total = static_cast<int64_t>(items.size());
  for (const runtime::ChoiceItem& item : items) {
    tally.Add(item, scorer.Score(item, data_path));
    const auto done = static_cast<int64_t>(tally.items.size());
    progress.Show(done, total, "items", stopwatch.elapsed(), stopwatch.Eta(done, total), "");
  }
  progress.Finish();
  Json out = {{"items", total}};
  for (size_t i = 0; i < std::size(kRules); ++i) {
    const runtime::ChoiceAccuracy& accuracy = tally.accuracies[i];
    out[std::string("accuracy_") + kRules[i].second] = {
        {"value", accuracy.value()}, {"standard_error", accuracy.standard_error()}};
    if (!line.json()) {
      fmt::print("accuracy by {:<10} {:.4f} +- {:.4f}\n", kRules[i].second, accuracy.value(),
                 accuracy.standard_error());
    }
  }
  out["results"] = std::move(tally.items);
  if (line.json()) {
    fmt::print("{}\n", out.dump(2));
  } else {
    fmt::print("{} items, {} tokens computed\n", total, scorer.tokens_computed());
  }
  return 0;
}

}  // namespace

int RunEval(const Arguments& arguments) {
  return RunSubcommand("eval", arguments,
                       {{"perplexity", "how well a model predicts a text", Perplexity},
                        {"choices", "how often it finds the right answer likeliest", Choices},
                        {"logits", "what a model says after a sequence of tokens", EvalLogits}});
}

}  // namespace deepthin::explorer

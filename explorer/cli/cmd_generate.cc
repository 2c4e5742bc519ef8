// deepthin generate
#include <fmt/format.h>

#include <cstdio>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/interrupt.h"
#include "explorer/cli/model_options.h"
#include "runtime/memory.h"
#include "runtime/text/generation.h"
#include "spec/files.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

runtime::PickerOptions PickerFrom(const CommandLine& line) {
  runtime::PickerOptions picker;
  picker.temperature = line.GetDouble("temperature", 0, 1e6);
  picker.top_p = line.GetDouble("top-p", 0, 1);
  if (line.Get("top-k")) picker.top_k = line.GetInt("top-k", 1, 1 << 22);
  picker.seed = static_cast<uint64_t>(line.GetInt("seed", 0, INT64_MAX));
  return picker;
}

std::string PromptFrom(const CommandLine& line) {
  const auto path = line.Get("prompt-file");
  if (!path) return line.Get("prompt").value_or("");
  if (line.Get("prompt")) {
    throw InputError({"command line", ""}, "has both --prompt and --prompt-file", "one of them");
  }
  return ReadFile(*path);
}

std::string_view StopText(runtime::StopReason reason) {
  switch (reason) {
    case runtime::StopReason::kMaxTokens:
      return "max_tokens";
    case runtime::StopReason::kEndOfText:
      return "end_of_text";
    case runtime::StopReason::kContextFull:
      return "context_full";
    case runtime::StopReason::kInterrupted:
      return "interrupted";
  }
  return "?";
}

}  // namespace

int RunGenerate(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin generate MODEL [--tokenizer FILE] [options]",
       .text =
           "Writes text, piece by piece as the model chooses it. MODEL is a GGUF file, a folder "
           "with\n"
           "config.json and model.safetensors, a llama2.c checkpoint, or a preset or JSON spec,\n"
           "which then has random weights. GGUF files have their vocabulary; others need\n"
           "--tokenizer, or tokenizer.model in their folder. Without --prompt it starts from\n"
           "nothing (BOS alone).",
       .examples = {"deepthin generate --model stories260K.bin --tokenizer tok512.bin "
                    "--temperature 0 -n 256",
                    "deepthin generate stories.gguf --prompt 'Once upon a time' --top-p 0.9 "
                    "--seed 7"}});
  AddModelArguments(line, "of the choices, and of random weights");
  AddTokenizerOption(line);
  line.Text("prompt", "text to go on from")
      .Text("prompt-file", "file that holds this text, as it is")
      .Text("tokens,n", "most tokens to generate", "256")
      .Text("temperature", "0 always takes the likeliest token", "1")
      .Text("top-k", "choose among the k likeliest tokens only")
      .Text("top-p", "choose among the likeliest tokens of this joint probability", "1");
  if (!line.Parse(arguments)) return 0;
  const std::string prompt_text = PromptFrom(line);
  const runtime::GenerationOptions options{.max_tokens = line.GetInt("tokens", 1, 1 << 24),
                                           .picker = PickerFrom(line)};

  OpenedModel model(line);
  const auto tokenizer = TokenizerFrom(line, model);
  const auto prompt = tokenizer.Encode(prompt_text, runtime::Tokenizer::Marks::kBos);

  NoteInterrupts();
  std::string text = prompt_text;
  const bool streams = !line.json();
  if (streams) fmt::print("{}", text);
  const auto result = runtime::Generate(model.weights, model.pool, tokenizer, prompt, options,
                                        {.on_piece =
                                             [&](std::string_view piece) {
                                               text += piece;
                                               if (!streams) return;
                                               std::fwrite(piece.data(), 1, piece.size(), stdout);
                                               std::fflush(stdout);
                                             },
                                         .interrupted = [] { return Interrupted(); }});
  const auto rate = runtime::DecodedTokensPerSecond(result);
  if (line.json()) {
    Json out = {{"text", text},
                {"tokens", result.tokens},
                {"stop", StopText(result.stop)},
                {"prompt_tokens", result.prompt_tokens},
                {"time_to_first_token_s", result.time_to_first_token.value()}};
    if (rate) out["decode_tokens_per_s"] = *rate;
    if (const auto peak = runtime::PeakMemory()) out["peak_memory_bytes"] = peak->value();
    fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("\n");
    fmt::print(stderr, "{} tokens, stopped by {}, TTFT {}{}\n", result.tokens.size(),
               StopText(result.stop), HumanTime(result.time_to_first_token),
               rate ? fmt::format(", {:.1f} tokens/s", *rate) : "");
  }
  return result.stop == runtime::StopReason::kInterrupted ? kInterruptedExitCode : 0;
}

}  // namespace deepthin::explorer

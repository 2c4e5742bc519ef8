#include "explorer/cli/cmd_eval_logits.h"

#include <fmt/format.h>

#include <algorithm>

#include "explorer/cli/command_line.h"
#include "explorer/cli/model_options.h"
#include "explorer/cli/shared_options.h"
#include "runtime/decoder.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

std::vector<int32_t> TokensFrom(const CommandLine& line, const ModelSpec& spec) {
  std::vector<int32_t> tokens;
  for (const int64_t token : line.GetInts("tokens", 0, spec.vocab_size - 1)) {
    tokens.push_back(static_cast<int32_t>(token));
  }
  if (static_cast<int64_t>(tokens.size()) > spec.max_seq_len) {
    throw InputError({"command line", "--tokens"}, fmt::format("names {}", tokens.size()),
                     fmt::format("at most the model's context of {}", spec.max_seq_len));
  }
  return tokens;
}

}  // namespace

int EvalLogits(const Arguments& arguments) {
  CommandLine line({.usage = "deepthin eval logits MODEL --tokens IDS [options]",
                    .text = "The logits that follow a sequence of token ids, to be compared with "
                            "another program's.\n"
                            "All of them with --json, else the ten greatest.",
                    .examples = {"deepthin eval logits stories260K.bin --tokens 1,403,407",
                                 "deepthin eval logits mobilellm.gguf --tokens 1,2,3 --json"}});
  AddModelArguments(line);
  line.Text("tokens", "ids, as 1,2,3");
  if (!line.Parse(arguments)) return 0;
  static_cast<void>(Required(line, "tokens"));
  OpenedModel model(line);
  const std::vector<int32_t> tokens = TokensFrom(line, model.weights.spec);
  runtime::Decoder decoder(model.weights, model.pool, static_cast<int64_t>(tokens.size()));
  const auto logits = decoder.Forward(tokens, runtime::Logits::kLast);
  if (line.json()) {
    fmt::print("{}\n", Json{{"tokens", tokens}, {"logits", logits}}.dump());
    return 0;
  }
  std::vector<int32_t> order(logits.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
  const size_t shown = std::min<size_t>(10, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(shown), order.end(),
                    [&](int32_t a, int32_t b) {
                      return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
                    });
  for (size_t i = 0; i < shown; ++i) {
    fmt::print("{:>7}  {:.4f}\n", order[i], logits[static_cast<size_t>(order[i])]);
  }
  return 0;
}

}  // namespace deepthin::explorer

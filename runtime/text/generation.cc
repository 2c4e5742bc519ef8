#include "runtime/text/generation.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "runtime/decoder.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

using Clock = std::chrono::steady_clock;

Seconds Since(Clock::time_point start) {
  return Seconds(std::chrono::duration<double>(Clock::now() - start).count());
}

void CheckArguments(int64_t max_positions, const Tokenizer& tokenizer,
                    std::span<const int32_t> prompt, const GenerationOptions& options) {
  if (options.max_tokens < 1) {
    throw InputError({"", "/max_tokens"}, "is " + std::to_string(options.max_tokens), "1 or more");
  }
  if (prompt.empty()) throw InputError({"", "prompt"}, "has no tokens", "at least BOS");
  if (static_cast<int64_t>(prompt.size()) > max_positions) {
    throw InputError({"", "prompt"}, "has " + std::to_string(prompt.size()) + " tokens",
                     "at most the model's " + std::to_string(max_positions));
  }
  for (const int32_t id : prompt) {
    if (id < 0 || id >= tokenizer.vocab_size()) {
      throw InputError({"", "prompt"}, "has the token id " + std::to_string(id),
                       "ids from 0 to " + std::to_string(tokenizer.vocab_size() - 1));
    }
  }
}

}  // namespace

std::optional<double> DecodedTokensPerSecond(const GenerationResult& result) {
  if (result.decoded_tokens == 0 || result.decode_time.value() <= 0) return std::nullopt;
  return static_cast<double>(result.decoded_tokens) / result.decode_time.value();
}

GenerationResult Generate(const LogitsAfter& logits_after, int64_t max_positions,
                          const Tokenizer& tokenizer, std::span<const int32_t> prompt,
                          const GenerationOptions& options, const GenerationCallbacks& callbacks) {
  CheckArguments(max_positions, tokenizer, prompt, options);
  TokenPicker picker(options.picker);
  GenerationResult result;
  result.prompt_tokens = static_cast<int64_t>(prompt.size());

  std::span<const int32_t> input = prompt;
  int32_t previous = prompt.back();
  int64_t position = 0;
  while (true) {
    if (callbacks.interrupted && callbacks.interrupted()) {
      result.stop = StopReason::kInterrupted;
      return result;
    }
    if (position + static_cast<int64_t>(input.size()) > max_positions) {
      result.stop = StopReason::kContextFull;
      return result;
    }
    const Clock::time_point start = Clock::now();
    const std::span<const float> logits = logits_after(input);
    const int32_t next = picker.Pick(logits);
    if (position == 0) {
      result.time_to_first_token = Since(start);
    } else {
      result.decode_time += Since(start);
      ++result.decoded_tokens;
    }
    position += static_cast<int64_t>(input.size());

    // run.c stops at BOS, with which its models were trained to separate texts; others end in EOS.
    if (next == tokenizer.bos() || next == tokenizer.eos()) {
      result.stop = StopReason::kEndOfText;
      return result;
    }
    result.tokens.push_back(next);
    if (callbacks.on_piece) callbacks.on_piece(tokenizer.DecodePiece(previous, next));
    if (static_cast<int64_t>(result.tokens.size()) == options.max_tokens) return result;
    previous = next;
    input = {&previous, 1};
  }
}

GenerationResult Generate(const Weights& weights, ThreadPool& pool, const Tokenizer& tokenizer,
                          std::span<const int32_t> prompt, const GenerationOptions& options,
                          const GenerationCallbacks& callbacks) {
  const ModelSpec& spec = weights.spec;
  if (tokenizer.vocab_size() != spec.vocab_size) {
    throw InputError({"", "tokenizer"}, "has " + std::to_string(tokenizer.vocab_size()) + " pieces",
                     "the model's " + std::to_string(spec.vocab_size));
  }
  CheckArguments(spec.max_seq_len, tokenizer, prompt, options);
  // The last token chosen is not read again: it needs no position.
  const auto prompt_tokens = static_cast<int64_t>(prompt.size());
  const int64_t positions =
      prompt_tokens + std::min(options.max_tokens - 1, spec.max_seq_len - prompt_tokens);
  Decoder decoder(weights, pool, positions);
  const LogitsAfter logits_after = [&](std::span<const int32_t> tokens) {
    return decoder.Forward(tokens, Logits::kLast);
  };
  return Generate(logits_after, positions, tokenizer, prompt, options, callbacks);
}

}  // namespace deepthin::runtime

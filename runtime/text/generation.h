// Generating text: a prompt's token ids in, a stream of pieces out.
//
//   GenerationResult result = Generate(weights, pool, tokenizer, prompt, {.max_tokens = 256},
//       {.on_piece = [](std::string_view piece) { std::fwrite(piece.data(), 1, ...); }});
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/text/token_picker.h"
#include "runtime/text/tokenizer.h"
#include "runtime/thread_pool.h"
#include "runtime/weights.h"
#include "spec/units.h"

namespace deepthin::runtime {

struct GenerationOptions {
  int64_t max_tokens = 256;  // generated, the prompt not counted
  PickerOptions picker{};
};

// Both may be empty.
struct GenerationCallbacks {
  // Each piece as soon as it is chosen; bytes, perhaps part of a UTF-8 character. The prompt is not
  // repeated.
  std::function<void(std::string_view)> on_piece{};
  // Asked before each token; true ends the generation.
  std::function<bool()> interrupted{};
};

enum class StopReason {
  kMaxTokens,
  kEndOfText,    // the model chose BOS or EOS, which is not part of the output
  kContextFull,  // max_seq_len positions are taken
  kInterrupted,
};

struct GenerationResult {
  std::vector<int32_t> tokens;  // generated
  StopReason stop = StopReason::kMaxTokens;
  int64_t prompt_tokens = 0;
  Seconds time_to_first_token;  // the prompt in one pass, and choosing
  int64_t decoded_tokens = 0;   // chosen after the first one, a final BOS or EOS included
  Seconds decode_time;          // of these; without the callbacks
};

// Absent where nothing was decoded after the first token.
[[nodiscard]] std::optional<double> DecodedTokensPerSecond(const GenerationResult& result);

// Appends tokens to what went before and gives the logits after the last of them, valid until the
// next call: Decoder::Forward, or what a test puts in its place.
using LogitsAfter = std::function<std::span<const float>(std::span<const int32_t>)>;

// The prompt's ids begin with BOS, as Encode(text, Marks::kBos) gives them; BOS alone starts a text
// from nothing. max_positions: how many tokens logits_after takes altogether. Throws InputError
// where the prompt is empty or longer than that, or options are out of range.
[[nodiscard]] GenerationResult Generate(const LogitsAfter& logits_after, int64_t max_positions,
                                        const Tokenizer& tokenizer, std::span<const int32_t> prompt,
                                        const GenerationOptions& options,
                                        const GenerationCallbacks& callbacks = {});

// With a decoder of its own for `weights`. Throws also InputError where the tokenizer's vocabulary
// is not the model's, EnvironmentError where memory does not suffice.
[[nodiscard]] GenerationResult Generate(const Weights& weights, ThreadPool& pool,
                                        const Tokenizer& tokenizer, std::span<const int32_t> prompt,
                                        const GenerationOptions& options,
                                        const GenerationCallbacks& callbacks = {});

}  // namespace deepthin::runtime

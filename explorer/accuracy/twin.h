// Twins: a model of the same form as a large one, small enough to be trained here, whose loss
// stands for the large one's in comparisons of depth, heads, sharing and tying.
//
//   TwinOf(ModelFromArgument("mobilellm-125m"), {.decoder_params = 2'000'000}, 4096);
//
// To compare models that are not of one size, give each its share: TwinParams(spec, 1.0 / 64).
#pragma once

#include <cstdint>
#include <optional>

#include "spec/model_spec.h"

namespace deepthin::explorer {

// One of the two. Decoder parameters as ParamCounts::blocks counts them.
struct TwinSize {
  std::optional<int64_t> decoder_params{};
  std::optional<int64_t> d_model{};
};

// The same blocks, repeat schedule, numbers of heads, tying, kind of feed-forward network and
// context; width scaled by f, which is the root of the ratio of decoder parameters. head_dim and
// d_model are the nearest even numbers to what f makes of them, and d_ff is what comes nearest to
// the decoder parameters (or, by d_model, to f^2 of the parent's), so that d_ff / d_model is the
// parent's but for what rounding the heads took. Throws InputError where the spec is not valid, the
// size is not below the parent's, or so small that nothing of that form has it.
[[nodiscard]] ModelSpec TwinOf(const ModelSpec& parent, const TwinSize& size, int64_t vocab_size);

// Decoder parameters of a twin that has this share of its parent's.
[[nodiscard]] int64_t TwinParams(const ModelSpec& parent, double share);

}  // namespace deepthin::explorer

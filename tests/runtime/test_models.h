// Small random models for the tests: weights with norms that are not 1, and rapidcheck generators
// of specs of every kind.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/weights.h"

namespace deepthin::runtime {

// Uniform with the usual scale times 1.5, so that attention is not flat; norms in [0.5, 1.5]. Each
// tensor is an allocation of its own, so that AddressSanitizer sees reads behind it.
[[nodiscard]] Weights SmallWeights(const ModelSpec& spec, uint32_t seed);

// To be called in a rapidcheck property: GQA x tying x schedule x FFN x KV policy x odd sizes.
[[nodiscard]] ModelSpec DrawSpec();
[[nodiscard]] std::vector<int32_t> DrawTokens(const ModelSpec& spec, int64_t most);

// Tokens 0, 1, ... scattered over the vocabulary.
[[nodiscard]] std::vector<int32_t> SomeTokens(const ModelSpec& spec, int64_t count);

// Two blocks, GQA, nothing round.
[[nodiscard]] ModelSpec SmallSpec();

}  // namespace deepthin::runtime

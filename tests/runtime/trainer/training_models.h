// Specs, weights and batches for the tests of the trainer.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/trainer/batch.h"
#include "runtime/trainer/parameters.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

// As DrawSpec(), but trainable. To be called in a rapidcheck property.
[[nodiscard]] ModelSpec DrawTrainableSpec();

// 1 to `sequences` sequences of 1 to `length` predicted tokens.
[[nodiscard]] BatchShape DrawShape(int64_t sequences, int64_t length);

// Tokens from all over the vocabulary.
[[nodiscard]] std::vector<int32_t> RandomBatch(const ModelSpec& spec, const BatchShape& shape,
                                               uint32_t seed);

// SmallWeights(spec, seed) as an array.
template <class T>
[[nodiscard]] std::vector<T> SmallParameters(const ModelSpec& spec, uint32_t seed);

}  // namespace deepthin::runtime

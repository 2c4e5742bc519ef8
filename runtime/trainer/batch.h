// Batch: the sequences of one training step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spec/model_spec.h"

namespace deepthin::runtime {

struct BatchShape {
  int64_t sequences = 0;
  int64_t length = 0;  // tokens predicted in each sequence; it holds one more

  [[nodiscard]] int64_t predicted() const { return sequences * length; }
  [[nodiscard]] int64_t tokens() const { return sequences * (length + 1); }

  friend bool operator==(const BatchShape&, const BatchShape&) = default;
};

// [sequences, length + 1]: token i + 1 of a sequence is predicted from tokens 0..i.
using BatchView = std::span<const int32_t>;

// A batch of every step of a run: windows of a text at random places. Step n's batch depends on
// (seed, n) alone, so that a run goes on from any step without having been through those before.
class BatchSampler {
 public:
  // The text outlives it. Throws InputError where the text has fewer than length + 1 tokens.
  BatchSampler(std::span<const int32_t> text, const BatchShape& shape, uint64_t seed);

  [[nodiscard]] std::vector<int32_t> At(int64_t step) const;

 private:
  std::span<const int32_t> text_;
  BatchShape shape_;
  uint64_t seed_;
};

}  // namespace deepthin::runtime

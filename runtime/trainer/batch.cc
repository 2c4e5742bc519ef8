#include "runtime/trainer/batch.h"

#include <string>

#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// A number of SplitMix64's sequence from `state` (Steele, Lea & Flood, OOPSLA 2014, figure 17).
uint64_t SplitMix(uint64_t state, uint64_t index) {
  uint64_t z = state + (index + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

// A whole number in [0, n): the top of the product of n and 32 random bits, and so off a uniform
// one by less than n / 2^32. REQUIRES: n below 2^32.
uint64_t Below(uint64_t n, uint64_t bits) { return (bits >> 32) * n >> 32; }

constexpr uint64_t kMostTokens = uint64_t{1} << 32;

}  // namespace

BatchSampler::BatchSampler(std::span<const int32_t> text, const BatchShape& shape, uint64_t seed)
    : text_(text), shape_(shape), seed_(seed) {
  DEEPTHIN_CHECK(shape.sequences >= 1 && shape.length >= 1);
  if (text.size() < static_cast<size_t>(shape.length) + 1 || text.size() >= kMostTokens) {
    throw InputError({"", "text"}, "has " + std::to_string(text.size()) + " tokens",
                     "from " + std::to_string(shape.length + 1) + " tokens, one sequence, to 2^32");
  }
}

std::vector<int32_t> BatchSampler::At(int64_t step) const {
  const auto window = static_cast<size_t>(shape_.length) + 1;
  const uint64_t starts = text_.size() - window + 1;
  const uint64_t state = SplitMix(seed_, static_cast<uint64_t>(step));
  std::vector<int32_t> batch;
  batch.reserve(static_cast<size_t>(shape_.tokens()));
  for (int64_t s = 0; s < shape_.sequences; ++s) {
    const uint64_t start = Below(starts, SplitMix(state, static_cast<uint64_t>(s)));
    const auto tokens = text_.subspan(start, window);
    batch.insert(batch.end(), tokens.begin(), tokens.end());
  }
  return batch;
}

}  // namespace deepthin::runtime

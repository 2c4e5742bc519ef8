// Parts of a batch: a thread takes some tokens at a time through all that lies between two
// attentions, so that what one step leaves is still in L2 for the next one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "runtime/kernels/thread_scratch.h"
#include "runtime/kernels/training_reference.h"
#include "runtime/thread_pool.h"
#include "runtime/trainer/tensor.h"

namespace deepthin::runtime {

// body(begin, end) for tokens [first, last), up to `step` at a time: always the same parts.
template <class Body>
void ForTokens(ThreadPool& pool, int64_t first, int64_t last, int64_t step, const Body& body) {
  const auto parts = [&](int64_t part, int64_t end) {
    for (; part < end; ++part) {
      const int64_t begin = first + part * step;
      body(begin, std::min(begin + step, last));
    }
  };
  pool.ForRanges((last - first + step - 1) / step, 1, std::cref(parts));
}

// Matrices of `tokens` rows, not initialised, in memory of this thread; until it asks again. Rows
// at a power of two of bytes would share a few lines of the caches.
template <class T, size_t kCount>
std::array<MatrixView<T>, kCount> RoomFor(int64_t tokens, const std::array<int64_t, kCount>& cols) {
  int64_t floats = 0;
  for (const int64_t n : cols) floats += tokens * (Padded(n) + kPaddedTo);
  T* next = ThreadScratch<T>(ScratchUse::kTokens, floats);
  std::array<MatrixView<T>, kCount> out;
  for (size_t i = 0; i < kCount; ++i) {
    out[i] = {next, tokens, cols[i], Padded(cols[i]) + kPaddedTo};
    next += tokens * out[i].stride;
  }
  return out;
}

// The gradient of a norm's weights, summed up over each part and then, in their order, over all of
// them.
template <class T>
class NormGradientSums {
 public:
  NormGradientSums() = default;
  // For parts of at least `step` tokens.
  NormGradientSums(int64_t tokens, int64_t step, int64_t d_model)
      : tokens_(tokens), step_(step), sums_((tokens - 1) / step + 1, d_model, "norms' gradients") {}

  // [d_model] zeros for the part that begins there.
  [[nodiscard]] T* At(int64_t token) {
    T* sums = sums_.Row(token / step_);
    std::fill_n(sums, sums_.cols(), T{0});
    return sums;
  }
  // dg += the sums of all parts. REQUIRES: At was called for each, `step` tokens apart.
  void AddTo(int64_t step, T* dg) const {
    for (int64_t t = 0; t < tokens_; t += step) {
      const T* sums = sums_.Row(t / step_);
      for (int64_t i = 0; i < sums_.cols(); ++i) dg[i] += sums[i];
    }
  }

 private:
  int64_t tokens_ = 0;
  int64_t step_ = 1;
  Tensor<T> sums_;
};

}  // namespace deepthin::runtime

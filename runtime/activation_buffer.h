// ActivationBuffer: one row per token of a pass, in f32 and in int8 for the weights that ask for
// it.
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/kernels/activations.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kernels/weight_matrix.h"

namespace deepthin::runtime {

class ActivationBuffer {
 public:
  // Throws EnvironmentError where memory does not suffice.
  ActivationBuffer(int64_t tokens, int64_t cols);

  // f32 rows of `count` tokens from `first` on.
  [[nodiscard]] MutableMatrix Tokens(int64_t first, int64_t count) const {
    return Dense(values_.get() + first * cols_, count, cols_);
  }
  // The int8 form of tokens [first, first + count), made of the f32 rows.
  void Quantize(const Kernels& kernels, ActivationForm form, int64_t first, int64_t count) const;

  [[nodiscard]] ActivationView View(int64_t first, int64_t count) const;

 private:
  [[nodiscard]] int64_t groups() const { return (cols_ + kGroup - 1) / kGroup; }

  int64_t cols_;
  std::shared_ptr<float> values_;
  std::shared_ptr<float> quantized_;  // int8, in units of 4
  std::shared_ptr<float> scales_;
};

}  // namespace deepthin::runtime

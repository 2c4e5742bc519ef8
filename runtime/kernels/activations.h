// Activations: what weights are multiplied with, in f32 and, for weights that are multiplied in
// integers, in int8 too.
#pragma once

#include <cstdint>

#include "runtime/kernels/matrix.h"
#include "spec/dtype.h"

namespace deepthin::runtime {

// What a product with weights of some format takes of its activations.
enum class ActivationForm {
  kFloats,  // f32
  kGroups,  // int8, a scale for each group of 32
  kRows     // int8, a scale for each token
};

[[nodiscard]] constexpr ActivationForm FormFor(Dtype weights) {
  switch (weights) {
    case Dtype::kQ8_0:
    case Dtype::kQ4_0:
      return ActivationForm::kGroups;
    case Dtype::kInt8:
      return ActivationForm::kRows;
    case Dtype::kF32:
    case Dtype::kF16:
    case Dtype::kBf16:
      return ActivationForm::kFloats;
  }
  return ActivationForm::kFloats;
}

// Int8 rows are filled up with zeros to a multiple of 64, so that kernels read whole vectors.
[[nodiscard]] constexpr int64_t PaddedCols(int64_t cols) { return (cols + 63) / 64 * 64; }

// [rows = tokens, cols]. The quantised part is there where it was asked for; its rows begin at
// multiples of 64 bytes.
struct ActivationView {
  int64_t rows = 0;
  int64_t cols = 0;
  const float* values = nullptr;
  int64_t stride = 0;                 // floats from one token to the next
  const int8_t* quantized = nullptr;  // [rows, PaddedCols(cols)]
  const float* scales = nullptr;      // [rows, scale_stride]
  int64_t scale_stride = 0;

  [[nodiscard]] const float* Values(int64_t t) const { return values + t * stride; }
  [[nodiscard]] const int8_t* Quantized(int64_t t) const {
    return quantized + t * PaddedCols(cols);
  }
  [[nodiscard]] const float* Scales(int64_t t) const { return scales + t * scale_stride; }
};

// f32 alone.
[[nodiscard]] inline ActivationView FloatActivations(ConstMatrix x) {
  return {.rows = x.rows, .cols = x.cols, .values = x.data, .stride = x.stride};
}

}  // namespace deepthin::runtime

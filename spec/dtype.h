// Number formats of weights, activations and KV cache, and the bytes that a matrix of each takes.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "spec/fields.h"
#include "spec/units.h"

namespace deepthin {

enum class Dtype {
  kF32,
  kF16,
  kBf16,
  kQ8_0,  // groups of 32 int8 along a row, one f16 scale each (GGUF Q8_0): 34 bytes
  kQ4_0,  // groups of 32 int4 along a row, one f16 scale each (GGUF Q4_0): 18 bytes
  kInt8,  // int8 with one f32 scale per row: per output channel (weights), per token (activations)
};

template <>
struct EnumTexts<Dtype> {
  static constexpr std::array kList = {std::pair{Dtype::kF32, std::string_view("f32")},
                                       std::pair{Dtype::kF16, std::string_view("f16")},
                                       std::pair{Dtype::kBf16, std::string_view("bf16")},
                                       std::pair{Dtype::kQ8_0, std::string_view("q8_0")},
                                       std::pair{Dtype::kQ4_0, std::string_view("q4_0")},
                                       std::pair{Dtype::kInt8, std::string_view("int8")}};
};

// Bytes of a [rows, cols] matrix, scales included. The last group of a row is stored whole where
// cols is not a multiple of 32.
[[nodiscard]] constexpr Bytes StorageBytes(Dtype dtype, int64_t rows, int64_t cols) {
  const int64_t groups = (cols + 31) / 32;
  switch (dtype) {
    case Dtype::kF32:
      return Bytes(rows * cols * 4);
    case Dtype::kF16:
    case Dtype::kBf16:
      return Bytes(rows * cols * 2);
    case Dtype::kQ8_0:
      return Bytes(rows * groups * 34);
    case Dtype::kQ4_0:
      return Bytes(rows * groups * 18);
    case Dtype::kInt8:
      return Bytes(rows * (cols + 4));
  }
  return Bytes(0);
}

}  // namespace deepthin

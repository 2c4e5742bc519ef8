// WeightMatrix: a weight matrix in one of the storage formats, row after row as files hold it, so
// that a mapped file is executed where it lies. A view: someone else owns the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "runtime/kernels/float16.h"
#include "spec/dtype.h"
#include "spec/units.h"

namespace deepthin::runtime {

inline constexpr int64_t kGroup = 32;  // weights of a Q8_0 or Q4_0 group

// A group as GGUF stores it. Bytes alone: a group begins at any even address, or at an odd one.
struct Q8Group {
  std::byte scale[2];  // f16
  int8_t values[kGroup];
};
struct Q4Group {
  std::byte scale[2];          // f16
  uint8_t values[kGroup / 2];  // element j below, element j + 16 above; each plus 8
};
static_assert(sizeof(Q8Group) == 34 && sizeof(Q4Group) == 18);

[[nodiscard]] inline float ScaleOf(const std::byte (&scale)[2]) {
  uint16_t bits = 0;
  std::memcpy(&bits, scale, sizeof(bits));
  return FloatFromF16(bits);
}

// [rows, cols]: rows are outputs, columns inputs.
struct WeightMatrix {
  Dtype dtype = Dtype::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  const std::byte* data = nullptr;    // [rows] x row_bytes(); f32, f16, bf16 aligned to an element
  const float* row_scales = nullptr;  // [rows], kInt8 only
  // The last-level cache keeps it from one product to the next: those of one token in f32, f16 and
  // bf16 then prefetch every line (weight_prefetch.h).
  bool is_cached = false;

  // Without the scale of an int8 row, which lies elsewhere.
  [[nodiscard]] int64_t row_bytes() const {
    return StorageBytes(dtype, 1, cols).value() -
           (dtype == Dtype::kInt8 ? int64_t{sizeof(float)} : 0);
  }
  [[nodiscard]] const std::byte* Row(int64_t r) const { return data + r * row_bytes(); }
  // Scales included.
  [[nodiscard]] Bytes bytes() const { return StorageBytes(dtype, rows, cols); }
  [[nodiscard]] bool empty() const { return rows == 0; }

  // Rows [begin, end).
  [[nodiscard]] WeightMatrix Rows(int64_t begin, int64_t end) const {
    return {dtype,
            end - begin,
            cols,
            Row(begin),
            row_scales == nullptr ? nullptr : row_scales + begin,
            is_cached};
  }
};

// f32 as it lies in memory.
[[nodiscard]] inline WeightMatrix F32Matrix(std::span<const float> floats, int64_t rows,
                                            int64_t cols) {
  return {Dtype::kF32, rows, cols, std::as_bytes(floats).data(), nullptr};
}

// The elements of an f32 matrix. REQUIRES: dtype kF32.
[[nodiscard]] inline std::span<const float> F32Values(const WeightMatrix& w) {
  return {reinterpret_cast<const float*>(w.data), static_cast<size_t>(w.rows * w.cols)};
}

// Rows [begin, end) of w in f32: out is [end - begin, cols]. Not a kernel: for embedding rows,
// conversion and tests.
void Dequantize(const WeightMatrix& w, int64_t begin, int64_t end, float* out);

// One row of n finite numbers in `dtype`, to out (StorageBytes of one row, without an int8 row's
// scale, which goes to *row_scale). Q8_0: scale amax / 127; Q4_0: scale m / -8, m the number of the
// largest magnitude; int8: scale amax / 127. A scale that f16 cannot hold is its largest finite
// number. The last group is filled up with zeros.
void QuantizeRow(Dtype dtype, const float* x, int64_t n, std::byte* out, float* row_scale);

}  // namespace deepthin::runtime

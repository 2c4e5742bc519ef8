#include "runtime/checkpoint/weight_checks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

namespace deepthin::runtime {
namespace {

// Elements between two looks at the result: short enough to find the place again at once, long
// enough for the compiler's vector loop.
constexpr int64_t kStretch = 4'096;

constexpr uint32_t kF32Infinity = 0x7f800000U;
constexpr uint16_t kF16Infinity = 0x7c00U;
constexpr uint16_t kBf16Infinity = 0x7f80U;

// Index of the first of n elements whose magnitude, as bits, is at least `infinity`.
// read(i): bits of element i without the sign.
template <class Bits, class Read>
std::optional<int64_t> FirstAtLeast(Bits infinity, int64_t n, const Read& read) {
  for (int64_t begin = 0; begin < n; begin += kStretch) {
    const int64_t end = std::min(n, begin + kStretch);
    Bits largest = 0;
    for (int64_t i = begin; i < end; ++i) largest = std::max(largest, read(i));
    if (largest < infinity) continue;
    for (int64_t i = begin; i < end; ++i) {
      if (read(i) >= infinity) return i;
    }
  }
  return std::nullopt;
}

std::optional<int64_t> FirstNotFinite16(const std::byte* data, int64_t n, int64_t step,
                                        uint16_t infinity) {
  return FirstAtLeast<uint16_t>(infinity, n, [data, step](int64_t i) {
    uint16_t bits = 0;
    std::memcpy(&bits, data + i * step, sizeof(bits));
    return static_cast<uint16_t>(bits & 0x7fffU);
  });
}

}  // namespace

std::optional<int64_t> FirstNotFinite(std::span<const float> floats) {
  const float* data = floats.data();
  return FirstAtLeast<uint32_t>(
      kF32Infinity, static_cast<int64_t>(floats.size()),
      [data](int64_t i) { return std::bit_cast<uint32_t>(data[i]) & 0x7fffffffU; });
}

void RequireFinite(const WeightMatrix& w, const InputError::Where& where) {
  const int64_t groups = (w.cols + kGroup - 1) / kGroup;
  std::optional<int64_t> found;
  int64_t per_row = w.cols;
  std::string what = "a number in column ";
  switch (w.dtype) {
    case Dtype::kF32:
      found = FirstNotFinite(F32Values(w));
      break;
    case Dtype::kF16:
      found = FirstNotFinite16(w.data, w.rows * w.cols, 2, kF16Infinity);
      break;
    case Dtype::kBf16:
      found = FirstNotFinite16(w.data, w.rows * w.cols, 2, kBf16Infinity);
      break;
    case Dtype::kQ8_0:
    case Dtype::kQ4_0:
      per_row = groups;
      what = "the scale of group ";
      found = FirstNotFinite16(w.data, w.rows * groups, w.row_bytes() / groups, kF16Infinity);
      break;
    case Dtype::kInt8:
      per_row = 1;
      what = "the scale, number ";
      found = FirstNotFinite({w.row_scales, static_cast<size_t>(w.rows)});
      break;
  }
  if (!found) return;
  throw InputError(
      {where.file, where.place + ", row " + std::to_string(*found / per_row)},
      "has " + what + std::to_string(*found % per_row) + " that is infinite or no number",
      "finite numbers");
}

void RequireFinite(std::span<const float> norm, const InputError::Where& where) {
  if (const auto found = FirstNotFinite(norm)) {
    throw InputError(where,
                     "has number " + std::to_string(*found) + " that is infinite or no number",
                     "finite numbers");
  }
}

}  // namespace deepthin::runtime

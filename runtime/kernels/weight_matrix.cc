#include "runtime/kernels/weight_matrix.h"

#include <algorithm>
#include <cmath>

namespace deepthin::runtime {
namespace {

constexpr float kLargestF16 = 65504.0F;

uint16_t ReadU16(const std::byte* data) {
  uint16_t bits = 0;
  std::memcpy(&bits, data, sizeof(bits));
  return bits;
}

void DequantizeRow(Dtype dtype, const std::byte* row, float row_scale, int64_t n, float* out) {
  switch (dtype) {
    case Dtype::kF32:
      std::memcpy(out, row, static_cast<size_t>(n) * sizeof(float));
      return;
    case Dtype::kF16:
      for (int64_t i = 0; i < n; ++i) out[i] = FloatFromF16(ReadU16(row + 2 * i));
      return;
    case Dtype::kBf16:
      for (int64_t i = 0; i < n; ++i) out[i] = FloatFromBf16(ReadU16(row + 2 * i));
      return;
    case Dtype::kQ8_0:
      for (int64_t i = 0; i < n; ++i) {
        const Q8Group& group = reinterpret_cast<const Q8Group*>(row)[i / kGroup];
        out[i] = ScaleOf(group.scale) * static_cast<float>(group.values[i % kGroup]);
      }
      return;
    case Dtype::kQ4_0:
      for (int64_t i = 0; i < n; ++i) {
        const Q4Group& group = reinterpret_cast<const Q4Group*>(row)[i / kGroup];
        const int64_t j = i % kGroup;
        const int both = group.values[j % (kGroup / 2)];
        const int value = j < kGroup / 2 ? both & 0xf : both >> 4;
        out[i] = ScaleOf(group.scale) * static_cast<float>(value - 8);
      }
      return;
    case Dtype::kInt8:
      for (int64_t i = 0; i < n; ++i) {
        out[i] = row_scale * static_cast<float>(static_cast<int8_t>(row[i]));
      }
      return;
  }
}

// Scales that f16 rounds to infinity would make every weight of the group one.
float StoreScale(float scale, std::byte (&out)[2]) {
  const uint16_t bits = F16FromFloat(std::clamp(scale, -kLargestF16, kLargestF16));
  std::memcpy(out, &bits, sizeof(bits));
  return scale;
}

// The number of the largest magnitude, with its sign; 0 where there is none.
float Extreme(const float* x, int64_t n) {
  float extreme = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (std::abs(x[i]) > std::abs(extreme)) extreme = x[i];
  }
  return extreme;
}

int8_t RoundToInt8(float x) {
  return static_cast<int8_t>(std::clamp(std::round(x), -127.0F, 127.0F));
}

void QuantizeQ8(const float* x, int64_t n, Q8Group& group) {
  const float scale = StoreScale(std::abs(Extreme(x, n)) / 127.0F, group.scale);
  const float inverse = scale == 0 ? 0.0F : 1.0F / scale;
  for (int64_t i = 0; i < kGroup; ++i) group.values[i] = i < n ? RoundToInt8(x[i] * inverse) : 0;
}

void QuantizeQ4(const float* x, int64_t n, Q4Group& group) {
  const float scale = StoreScale(Extreme(x, n) / -8.0F, group.scale);
  const float inverse = scale == 0 ? 0.0F : 1.0F / scale;
  const auto nibble = [&](int64_t i) {
    const float value = i < n ? x[i] * inverse + 8.5F : 8.0F;
    return static_cast<uint8_t>(std::clamp(value, 0.0F, 15.0F));
  };
  for (int64_t i = 0; i < kGroup / 2; ++i) {
    group.values[i] = static_cast<uint8_t>(nibble(i) | nibble(i + kGroup / 2) << 4);
  }
}

}  // namespace

void Dequantize(const WeightMatrix& w, int64_t begin, int64_t end, float* out) {
  for (int64_t r = begin; r < end; ++r) {
    const float scale = w.row_scales == nullptr ? 0.0F : w.row_scales[r];
    DequantizeRow(w.dtype, w.Row(r), scale, w.cols, out + (r - begin) * w.cols);
  }
}

void QuantizeRow(Dtype dtype, const float* x, int64_t n, std::byte* out, float* row_scale) {
  const auto store_u16 = [&](auto convert) {
    for (int64_t i = 0; i < n; ++i) {
      const uint16_t bits = convert(x[i]);
      std::memcpy(out + 2 * i, &bits, sizeof(bits));
    }
  };
  switch (dtype) {
    case Dtype::kF32:
      std::memcpy(out, x, static_cast<size_t>(n) * sizeof(float));
      return;
    case Dtype::kF16:
      store_u16(F16FromFloat);
      return;
    case Dtype::kBf16:
      store_u16(Bf16FromFloat);
      return;
    case Dtype::kQ8_0:
      for (int64_t i = 0; i < n; i += kGroup) {
        QuantizeQ8(x + i, std::min(kGroup, n - i), reinterpret_cast<Q8Group*>(out)[i / kGroup]);
      }
      return;
    case Dtype::kQ4_0:
      for (int64_t i = 0; i < n; i += kGroup) {
        QuantizeQ4(x + i, std::min(kGroup, n - i), reinterpret_cast<Q4Group*>(out)[i / kGroup]);
      }
      return;
    case Dtype::kInt8: {
      *row_scale = std::abs(Extreme(x, n)) / 127.0F;
      const float inverse = *row_scale == 0 ? 0.0F : 1.0F / *row_scale;
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<std::byte>(RoundToInt8(x[i] * inverse));
      return;
    }
  }
}

}  // namespace deepthin::runtime

// How Arm's products of quantised weights read 32 columns of a row: in two vectors of signed bytes.
#pragma once

#include <arm_neon.h>

#include <cstdint>
#include <cstring>

#include "runtime/kernels/weight_matrix.h"

namespace deepthin::runtime {

[[nodiscard]] inline float FloatOfF16(const std::byte (&scale)[2]) {
  __fp16 half;
  std::memcpy(&half, scale, sizeof(half));
  return half;
}

// The 32 columns of a group in two vectors, and what their sums have to be multiplied with.
[[nodiscard]] inline int8x16x2_t Values(const Q8Group& group) {
  return {{vld1q_s8(group.values), vld1q_s8(group.values + 16)}};
}
[[nodiscard]] inline float Scale(const Q8Group& group) { return FloatOfF16(group.scale); }

// Flipping the upper bit of a nibble takes 8 off it, in two's complement; as the upper half of a
// byte it counts 16 times.
[[nodiscard]] inline int8x16x2_t Values(const Q4Group& group) {
  const uint8x16_t both = veorq_u8(vld1q_u8(group.values), vdupq_n_u8(0x88));
  return {{vreinterpretq_s8_u8(vshlq_n_u8(both, 4)),
           vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(0xf0)))}};
}
[[nodiscard]] inline float Scale(const Q4Group& group) { return FloatOfF16(group.scale) * 0.0625F; }

// 32 columns of an int8 row of `cols` from c on; zeros behind the last one.
[[nodiscard]] inline int8x16x2_t Values(const int8_t* row, int64_t c, int64_t cols) {
  if (c + kGroup <= cols) return {{vld1q_s8(row + c), vld1q_s8(row + c + 16)}};
  int8_t last[kGroup] = {};
  std::memcpy(last, row + c, static_cast<size_t>(cols - c));
  return {{vld1q_s8(last), vld1q_s8(last + 16)}};
}

}  // namespace deepthin::runtime

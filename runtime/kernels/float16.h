// The two 16-bit float formats, as bits, to and from f32. Plain C++: GCC and clang disagree on
// where they have types for them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace deepthin::runtime {

// IEEE 754 binary16; infinities and NaN stay what they are.
[[nodiscard]] inline float FloatFromF16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000U) << 16;
  const uint32_t exponent = bits >> 10 & 0x1fU;
  const uint32_t mantissa = bits & 0x3ffU;
  if (exponent == 0) {  // zero or subnormal: mantissa x 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t wide = exponent == 0x1f ? 0xffU : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

// Rounds to nearest, ties to even; what is too large becomes infinity.
[[nodiscard]] inline uint16_t F16FromFloat(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000U);
  const float magnitude = std::abs(x);
  if (std::isnan(x)) return static_cast<uint16_t>(sign | 0x7e00U);
  if (magnitude >= 65520.0F) return static_cast<uint16_t>(sign | 0x7c00U);
  if (magnitude < 0x1p-14F) {  // subnormal: the f32 unit of 0.5 is 2^-24
    const float shifted = magnitude + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000U));
  }
  const uint32_t rest = bits & 0x7fffffffU;
  const uint32_t rounded = rest + 0xfffU + (rest >> 13 & 1U);
  return static_cast<uint16_t>(sign | (rounded - (static_cast<uint32_t>(127 - 15) << 23)) >> 13);
}

// bfloat16: the upper half of an f32.
[[nodiscard]] inline float FloatFromBf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// Rounds to nearest, ties to even.
[[nodiscard]] inline uint16_t Bf16FromFloat(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return static_cast<uint16_t>(bits >> 16 | 0x40U);
  return static_cast<uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

}  // namespace deepthin::runtime

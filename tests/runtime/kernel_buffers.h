// Inputs of kernels and the comparison of their results, for the tests of kernels.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace deepthin::runtime {

inline constexpr double kUnitRoundoff = 0x1p-24;
// Numbers in [-1, 1) that depend on the seed alone.
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : state_(seed * 2654435761U + 1) {}
  float Next() {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<float>(static_cast<int32_t>(state_) >> 8) * 0x1p-23F;
  }

 private:
  uint32_t state_;
};

// n floats that begin `offset` floats behind an aligned address and end where the allocation does.
class Buffer {
 public:
  Buffer(int64_t n, int64_t offset, uint32_t seed, float scale = 1.0F)
      : offset_(offset), floats_(static_cast<size_t>(n + offset)) {
    Numbers numbers(seed);
    for (float& f : floats_) f = scale * numbers.Next();
  }
  [[nodiscard]] float* data() { return floats_.data() + offset_; }
  [[nodiscard]] const float* data() const { return floats_.data() + offset_; }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(floats_.size()) - offset_; }
  float& operator[](int64_t i) { return data()[i]; }
  float operator[](int64_t i) const { return data()[i]; }

 private:
  int64_t offset_;
  std::vector<float> floats_;
};

inline double Abs(float x) { return std::abs(static_cast<double>(x)); }

inline double MagnitudeOfDot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += Abs(a[i]) * Abs(b[i]);
  return sum;
}

inline void ExpectWithin(float actual, float expected, double tolerance, const std::string& what) {
  EXPECT_LE(std::abs(static_cast<double>(actual) - static_cast<double>(expected)), tolerance)
      << what << ": " << actual << " instead of " << expected;
}

}  // namespace deepthin::runtime

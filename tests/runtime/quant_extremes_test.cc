// Products of quantised weights at the ends of what their numbers can be: where 16- and 32-bit sums
// would overflow or saturate, and the scales that f16 can hold. The expected values are closed
// forms.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "runtime/kernels/kernels.h"

namespace deepthin::runtime {
namespace {

// Tokens whose int8 numbers are all `value`, with scales of 1, aligned as ActivationView says.
struct ConstantActivations {
  ConstantActivations(int64_t tokens, int64_t cols, int8_t value)
      : quantized(static_cast<size_t>(tokens * PaddedCols(cols) + 64)),
        scales(static_cast<size_t>(tokens * ((cols + kGroup - 1) / kGroup)), 1.0F) {
    const auto address = reinterpret_cast<uintptr_t>(quantized.data());
    int8_t* aligned = quantized.data() + (64 - address % 64) % 64;
    for (int64_t t = 0; t < tokens; ++t) {
      std::memset(aligned + t * PaddedCols(cols), value, static_cast<size_t>(cols));
    }
    view = {.rows = tokens,
            .cols = cols,
            .quantized = aligned,
            .scales = scales.data(),
            .scale_stride = (cols + kGroup - 1) / kGroup};
  }

  std::vector<int8_t> quantized;
  std::vector<float> scales;
  ActivationView view;
};

// Groups that are all alike: an f16 scale, then `value` over and over. The rows end where their
// allocation does.
template <class Group>
std::vector<std::byte> AllAlike(int64_t groups, uint16_t scale, int value) {
  Group group;
  std::memcpy(group.scale, &scale, sizeof(scale));
  std::memset(group.values, value, sizeof(group.values));
  std::vector<std::byte> bytes(static_cast<size_t>(groups) * sizeof(Group));
  for (size_t g = 0; g < static_cast<size_t>(groups); ++g) {
    std::memcpy(bytes.data() + g * sizeof(Group), &group, sizeof(Group));
  }
  return bytes;
}

// Every output, for one token and for several, within 2^-18 of `expected`.
void ExpectAll(const WeightMatrix& w, int8_t x, double expected) {
  for (const Kernels& kernels : SupportedKernels()) {
    for (const int64_t tokens : {1, 3}) {
      const ConstantActivations activations(tokens, w.cols, x);
      std::vector<float> y(static_cast<size_t>(tokens * w.rows), std::nanf(""));
      kernels.MatMul(w.dtype)(w, activations.view, Dense(y.data(), tokens, w.rows));
      for (const float actual : y) {
        ASSERT_NEAR(static_cast<double>(actual), expected, std::abs(expected) * 0x1p-18)
            << kernels.target << ", " << w.cols << " columns, " << tokens << " tokens";
      }
    }
  }
}

constexpr uint16_t kOne = 0x3c00;           // f16
constexpr uint16_t kMinusLargest = 0xfbff;  // -65504
constexpr uint16_t kSmallest = 0x0001;      // 2^-24, subnormal

TEST(QuantExtremes, Q8GroupsDoNotOverflow) {
  for (const int64_t cols : {32, 96, 544, 4096}) {
    for (const int value : {-128, -127, 127}) {
      for (const int8_t x : {int8_t{-127}, int8_t{127}}) {
        const auto bytes = AllAlike<Q8Group>(3 * cols / kGroup, kOne, value);
        ExpectAll({Dtype::kQ8_0, 3, cols, bytes.data(), nullptr}, x,
                  static_cast<double>(cols * value * x));
      }
    }
  }
}

TEST(QuantExtremes, Q4GroupsDoNotOverflow) {
  for (const int64_t cols : {32, 96, 544, 4096}) {
    for (const int nibble : {0, 1, 15}) {
      for (const int8_t x : {int8_t{-127}, int8_t{127}}) {
        const auto bytes = AllAlike<Q4Group>(3 * cols / kGroup, kOne, nibble * 0x11);
        ExpectAll({Dtype::kQ4_0, 3, cols, bytes.data(), nullptr}, x,
                  static_cast<double>(cols * (nibble - 8) * x));
      }
    }
  }
}

TEST(QuantExtremes, ScalesReachFromTheSmallestToTheLargest) {
  const auto large = AllAlike<Q8Group>(6, kMinusLargest, 3);
  ExpectAll({Dtype::kQ8_0, 2, 96, large.data(), nullptr}, 5, -65504.0 * 96 * 15);
  const auto small = AllAlike<Q4Group>(6, kSmallest, 0xcc);
  ExpectAll({Dtype::kQ4_0, 2, 96, small.data(), nullptr}, 5, 0x1p-24 * 96 * 4 * 5);
}

// 131072 columns of the largest products are the most that int32 holds; behind them, it does not.
TEST(QuantExtremes, Int8RowsOfAnyLengthDoNotOverflow) {
  for (const int64_t cols : {1, 63, 65, 1000, 131072, 131073, 140001}) {
    const std::vector<float> scales(2, 0.5F);
    for (const int value : {-128, 127}) {
      std::vector<std::byte> bytes(static_cast<size_t>(2 * cols), static_cast<std::byte>(value));
      ExpectAll({Dtype::kInt8, 2, cols, bytes.data(), scales.data()}, 127,
                0.5 * static_cast<double>(cols * value * 127));
    }
  }
}

}  // namespace
}  // namespace deepthin::runtime

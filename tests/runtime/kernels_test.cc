// Every kernel of kernel_table.inc, for every instruction set of this CPU, against its scalar twin:
// over sizes around the lane counts, misaligned, with buffers that end where the data does
// (AddressSanitizer sees a read behind them).
//
// Tolerances follow from the standard model of rounding, u = 2^-24: a sum of n products is off by
// at most (n + 2) u times the sum of their magnitudes (Higham, Accuracy and Stability,
// section 3.1).
#include "runtime/kernels/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/runtime/attention_checks.h"
#include "tests/runtime/kernel_buffers.h"
#include "tests/runtime/product_checks.h"

namespace deepthin::runtime {
namespace {

constexpr int64_t kSizes[] = {1,  2,  3,  4,  5,  7,  8,  9,  15, 16, 17,  18,
                              31, 32, 33, 47, 48, 63, 64, 65, 66, 97, 130, 259};

void CheckMatMulF32(const Kernels& k) { CheckMatMul(k, Dtype::kF32); }
void CheckMatMulF16(const Kernels& k) { CheckMatMul(k, Dtype::kF16); }
void CheckMatMulBf16(const Kernels& k) { CheckMatMul(k, Dtype::kBf16); }
void CheckMatMulQ8_0(const Kernels& k) { CheckMatMul(k, Dtype::kQ8_0); }
void CheckMatMulQ4_0(const Kernels& k) { CheckMatMul(k, Dtype::kQ4_0); }
void CheckMatMulInt8(const Kernels& k) { CheckMatMul(k, Dtype::kInt8); }
void CheckQuantizeGroups(const Kernels& k) {
  CheckQuantize(k.QuantizeGroups, reference::QuantizeGroups);
}
void CheckQuantizeRow(const Kernels& k) { CheckQuantize(k.QuantizeRow, reference::QuantizeRow); }

void CheckSoftmaxStep(const Kernels& k) {
  for (const int64_t n : kSizes) {
    Buffer actual(n, n % 3, 7, 30.0F);
    Buffer expected = actual;
    const Buffer scores = actual;
    SoftmaxState actual_state{.max = n % 2 == 0 ? 3.0F : -INFINITY,
                              .sum = n % 2 == 0 ? 2.5F : 0.0F};
    SoftmaxState expected_state = actual_state;
    const float actual_scale = k.SoftmaxStep(actual.data(), n, &actual_state);
    const float expected_scale = reference::SoftmaxStep(expected.data(), n, &expected_state);
    EXPECT_EQ(actual_state.max, expected_state.max);
    EXPECT_FLOAT_EQ(actual_scale, expected_scale);
    for (int64_t i = 0; i < n; ++i) {  // exp of a difference that has been rounded
      const double distance = Abs(scores[i] - actual_state.max);
      ExpectWithin(actual[i], expected[i], kUnitRoundoff * (distance + 6) * Abs(expected[i]),
                   "score " + std::to_string(i));
    }
    ExpectWithin(actual_state.sum, expected_state.sum,
                 kUnitRoundoff * static_cast<double>(n + 70) * Abs(expected_state.sum), "sum");
  }
}

void CheckRmsNorm(const Kernels& k) {
  for (const int64_t n : kSizes) {
    for (const float eps : {0.0F, 1e-5F, 0.5F}) {
      Buffer x(n, n % 4, 12, 5.0F);
      const Buffer weight(n, 1, 13);
      Buffer actual(n, 2, 14);
      Buffer expected(n, 2, 14);
      k.RmsNorm(x.data(), weight.data(), n, eps, actual.data());
      reference::RmsNorm(x.data(), weight.data(), n, eps, expected.data());
      const double relative = static_cast<double>(n + 8) * kUnitRoundoff;
      for (int64_t i = 0; i < n; ++i) {
        ExpectWithin(actual[i], expected[i], relative * Abs(expected[i]), "element");
      }
      k.RmsNorm(x.data(), weight.data(), n, eps, x.data());  // in place
      EXPECT_EQ(std::memcmp(x.data(), actual.data(), static_cast<size_t>(n) * sizeof(float)), 0);
    }
  }
}

void CheckRope(const Kernels& k) {
  for (const int64_t head_dim : {2, 4, 6, 8, 14, 16, 18, 32, 34, 64, 66}) {
    for (const int64_t heads : {1, 3}) {
      const Buffer cos(head_dim, 1, 15);
      const Buffer sin(head_dim, 3, 16);
      Buffer actual(heads * head_dim, head_dim % 4, 17);
      Buffer expected = actual;
      k.Rope(Dense(actual.data(), heads, head_dim), cos.data(), sin.data());
      reference::Rope(Dense(expected.data(), heads, head_dim), cos.data(), sin.data());
      for (int64_t i = 0; i < actual.size(); ++i) {
        ExpectWithin(actual[i], expected[i], 3 * kUnitRoundoff * 2, "element");
      }
    }
  }
}

// Activations: arguments from the usual to the absurd.
const std::vector<float>& Arguments() {
  static const std::vector<float> arguments = [] {
    std::vector<float> x = {0.0F,  -0.0F,  1e-30F, -1e-30F, 87.5F, -87.5F, 88.5F, -88.5F,
                            105.F, -105.F, 1e4F,   -1e4F,   1e20F, -1e20F, 3e38F, -3e38F};
    Numbers numbers(18);
    for (int i = 0; i < 400; ++i) x.push_back(12 * numbers.Next());
    return x;
  }();
  return arguments;
}

// Runs the kernel on pieces of Arguments() of every size; tolerance(i) is that of argument i.
void CheckActivation(const std::function<void(float*, int64_t)>& run,
                     const std::function<void(float*, int64_t)>& twin,
                     const std::function<double(float x, float expected)>& tolerance) {
  const std::vector<float>& all = Arguments();
  for (const int64_t n : kSizes) {
    for (size_t first = 0; first + static_cast<size_t>(n) <= all.size();
         first += static_cast<size_t>(n)) {
      Buffer actual(n, n % 4, 0);
      for (int64_t i = 0; i < n; ++i) actual[i] = all[first + static_cast<size_t>(i)];
      Buffer expected = actual;
      const Buffer x = actual;
      run(actual.data(), n);
      twin(expected.data(), n);
      for (int64_t i = 0; i < n; ++i) {
        ExpectWithin(actual[i], expected[i], tolerance(x[i], expected[i]),
                     "argument " + std::to_string(x[i]));
      }
    }
  }
}

void CheckSwiGlu(const Kernels& k) {
  const Buffer up(259, 1, 19);
  CheckActivation([&](float* gate, int64_t n) { k.SwiGlu(gate, up.data(), n); },
                  [&](float* gate, int64_t n) { reference::SwiGlu(gate, up.data(), n); },
                  [](float x, float expected) {  // beyond |x| = 88 sigmoid is kept at exp(-88)
                    return 10 * kUnitRoundoff * Abs(expected) + 0x1p-126 * (1 + Abs(x));
                  });
}

void CheckGelu(const Kernels& k) {
  CheckActivation(k.Gelu, reference::Gelu, [](float x, float expected) {
    const double argument = std::min(1.6 * Abs(x) * (1 + 0.045 * Abs(x) * Abs(x)), 100.0);
    // The tanh form of the twin cancels where x is negative: 2^-53 |x|.
    return (10 + 4 * argument) * kUnitRoundoff * Abs(expected) + 0x1p-52 * Abs(x);
  });
}

void CheckRelu(const Kernels& k) {
  CheckActivation(k.Relu, reference::Relu, [](float, float) { return 0.0; });
}

void CheckAxpy(const Kernels& k) {
  for (const int64_t n : kSizes) {
    const Buffer x(n, 1, 20);
    Buffer actual(n, n % 4, 21);
    Buffer expected = actual;
    k.Axpy(0.7F, x.data(), n, actual.data());
    reference::Axpy(0.7F, x.data(), n, expected.data());
    for (int64_t i = 0; i < n; ++i) {
      ExpectWithin(actual[i], expected[i], 4 * kUnitRoundoff, "element");
    }
  }
}

class KernelTest : public ::testing::TestWithParam<size_t> {
 protected:
  [[nodiscard]] static const Kernels& Param() { return SupportedKernels()[GetParam()]; }
};

#define DEEPTHIN_KERNEL(name) \
  TEST_P(KernelTest, name) { Check##name(Param()); }
#include "runtime/kernels/kernel_table.inc"
#undef DEEPTHIN_KERNEL

TEST_P(KernelTest, ProductsDoNotDependOnTheRange) {
  for (const auto& [dtype, name] : EnumTexts<Dtype>::kList) {
    SCOPED_TRACE(name);
    CheckProductsDoNotDependOnTheRange(Param(), dtype);
  }
}

// Activations too: element by element, wherever a range begins or ends.
TEST_P(KernelTest, ActivationsDoNotDependOnTheRange) {
  const Kernels& k = Param();
  const int64_t n = 70;
  const Buffer up(n, 0, 26);
  const Buffer fresh(n, 0, 27, 3.0F);
  const std::vector<std::function<void(float*, int64_t, int64_t)>> kernels = {
      [&](float* x, int64_t begin, int64_t count) {
        k.SwiGlu(x + begin, up.data() + begin, count);
      },
      [&](float* x, int64_t begin, int64_t count) { k.Gelu(x + begin, count); },
      [&](float* x, int64_t begin, int64_t count) { k.Relu(x + begin, count); },
      [&](float* x, int64_t begin, int64_t count) {
        k.Axpy(0.3F, up.data() + begin, count, x + begin);
      }};
  for (const auto& kernel : kernels) {
    Buffer whole = fresh;
    kernel(whole.data(), 0, n);
    for (int64_t cut = 1; cut < n; ++cut) {
      Buffer pieces = fresh;
      kernel(pieces.data(), 0, cut);
      kernel(pieces.data(), cut, n - cut);
      for (int64_t i = 0; i < n; ++i) ASSERT_EQ(pieces[i], whole[i]) << "cut at " << cut;
    }
  }
}

std::vector<size_t> Targets() {
  std::vector<size_t> targets;
  for (size_t i = 0; i < SupportedKernels().size(); ++i) targets.push_back(i);
  return targets;
}

INSTANTIATE_TEST_SUITE_P(Targets, KernelTest, ::testing::ValuesIn(Targets()),
                         [](const auto& param) {
                           return std::string(SupportedKernels()[param.param].target);
                         });

}  // namespace
}  // namespace deepthin::runtime

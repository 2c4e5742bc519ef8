// The trainer's products against sums written out: at the edges of panels, of blocks of rows and of
// the depth that is gone through at a time, in both precisions; the same bits for every number of
// threads.
#include "runtime/trainer/products.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>

namespace deepthin::runtime {
namespace {

template <class T>
Tensor<T> Random(int64_t rows, int64_t cols, uint32_t seed) {
  std::mt19937 random(seed);
  Tensor<T> out(rows, cols, "a test");
  for (T& x : out.values()) x = static_cast<T>(std::normal_distribution<double>()(random));
  return out;
}

// rows, depth, columns
using Shape = std::tuple<int64_t, int64_t, int64_t>;
constexpr Shape kShapes[] = {{1, 1, 1},     {7, 33, 65},    {48, 512, 64}, {97, 513, 63},
                             {50, 1030, 9}, {1025, 3, 130}, {2049, 5, 6}};

struct Element {
  double value;
  double magnitude;  // sum of the terms'
};

template <class Left, class Right>
Element Sum(int64_t depth, double base, const Left& left, const Right& right) {
  Element sum = {base, std::abs(base)};
  for (int64_t k = 0; k < depth; ++k) {
    const double term = static_cast<double>(left(k)) * static_cast<double>(right(k));
    sum.value += term;
    sum.magnitude += std::abs(term);
  }
  return sum;
}

// A pass is forward, input gradient and weight gradient, each written out, within a share of the
// sum of magnitudes: `rounding` of each operand and that of sums.
template <class T>
void CheckShape(const Shape& shape, ProductPrecision precision, double rounding) {
  const auto [tokens, inputs, outputs] = shape;
  ThreadPool pool(2);
  Products<T> products(pool, precision);
  const auto x = Random<T>(tokens, inputs, 1);
  const auto w = Random<T>(outputs, inputs, 2);
  const auto base = Random<T>(tokens, outputs, 3);
  const auto dy = Random<T>(tokens, outputs, 4);
  auto y = Random<T>(tokens, outputs, 5);
  auto dx = Random<T>(tokens, inputs, 6);
  const auto old = Random<T>(outputs, inputs, 7);
  auto dw = Random<T>(outputs, inputs, 7);
  PackedMatrix<T> packed;
  products.PackTransposed(w.view(), packed);
  products.Multiply(x.view(), packed, base.view(), y.view());
  products.Pack(w.view(), packed);
  products.Multiply(dy.view(), packed, {}, dx.view());
  products.AddWeightGradient(dy.view(), x.view(), dw.view());
  const auto expect = [rounding](T actual, const Element& sum, int64_t depth) {
    const double share = rounding + static_cast<double>(depth + 3) * 0x1p-24;
    ASSERT_NEAR(static_cast<double>(actual), sum.value, share * sum.magnitude);
  };
  for (int64_t t = 0; t < tokens; t += 1 + tokens / 40) {
    for (int64_t o = 0; o < outputs; ++o) {
      expect(y.Row(t)[o],
             Sum(
                 inputs, static_cast<double>(base.Row(t)[o]),
                 [&](int64_t k) { return x.Row(t)[k]; }, [&](int64_t k) { return w.Row(o)[k]; }),
             inputs);
    }
    for (int64_t i = 0; i < inputs; ++i) {
      expect(dx.Row(t)[i],
             Sum(
                 outputs, 0, [&](int64_t k) { return dy.Row(t)[k]; },
                 [&](int64_t k) { return w.Row(k)[i]; }),
             outputs);
    }
  }
  for (int64_t o = 0; o < outputs; o += 1 + outputs / 40) {
    for (int64_t i = 0; i < inputs; ++i) {
      expect(dw.Row(o)[i],
             Sum(
                 tokens, static_cast<double>(old.Row(o)[i]),
                 [&](int64_t k) { return dy.Row(k)[o]; }, [&](int64_t k) { return x.Row(k)[i]; }),
             tokens);
    }
  }
}

class ProductsTest : public testing::TestWithParam<Shape> {};

TEST_P(ProductsTest, F32AgreesWithSums) {
  CheckShape<float>(GetParam(), ProductPrecision::kF32, 0);
}
TEST_P(ProductsTest, F64AgreesWithSums) {
  CheckShape<double>(GetParam(), ProductPrecision::kF32, 0);
}
TEST_P(ProductsTest, Bf16AgreesWithSumsToItsRounding) {
  if (!IsSupported(ProductPrecision::kBf16)) GTEST_SKIP() << "no bf16 here";
  CheckShape<float>(GetParam(), ProductPrecision::kBf16, 0x1p-7 + 0x1p-16);  // 2^-8 each
}

INSTANTIATE_TEST_SUITE_P(AroundBlocks, ProductsTest, testing::ValuesIn(kShapes));

// All tokens at once on one thread, or some at a time and weight gradients on three.
TEST(ProductsOfThreadsTest, AreTheSameBitsHoweverTheTokensAreSplit) {
  constexpr int64_t kTokens = 500;
  for (const auto precision : {ProductPrecision::kF32, ProductPrecision::kBf16}) {
    if (!IsSupported(precision)) continue;
    const auto x = Random<float>(kTokens, 70, 1);
    const auto w = Random<float>(130, 70, 2);
    const auto dy = Random<float>(kTokens, 130, 3);
    Tensor<float> y[2];
    Tensor<float> dx[2];
    Tensor<float> dw[2];
    for (const size_t i : {size_t{0}, size_t{1}}) {
      ThreadPool pool(i == 0 ? 1 : 3);
      Products<float> products(pool, precision);
      y[i] = Tensor<float>(kTokens, 130, "a test");
      dx[i] = Tensor<float>(kTokens, 70, "a test");
      dw[i] = Tensor<float>(130, 70, "a test");
      PackedMatrix<float> forward;
      PackedMatrix<float> backward;
      PackedTokens<float> packed_dy;
      PackedTokens<float> packed_x;
      products.PackTransposed(w.view(), forward);
      products.Pack(w.view(), backward);
      products.Reserve(kTokens, 130, packed_dy);
      products.Reserve(kTokens, 70, packed_x);
      const int64_t step = i == 0 ? kTokens : 26;
      for (int64_t t = 0; t < kTokens; t += step) {
        const int64_t end = std::min(t + step, kTokens);
        products.Multiply(x.view().Rows(t, end), forward, {}, y[i].view().Rows(t, end));
        products.Multiply(dy.view().Rows(t, end), backward, {}, dx[i].view().Rows(t, end));
        products.PackTokens(dy.view().Rows(t, end), t, packed_dy);
        products.PackTokens(x.view().Rows(t, end), t, packed_x);
      }
      products.AddWeightGradient(packed_dy, packed_x, dw[i].view());
    }
    EXPECT_TRUE(std::ranges::equal(y[0].values(), y[1].values()));
    EXPECT_TRUE(std::ranges::equal(dx[0].values(), dx[1].values()));
    EXPECT_TRUE(std::ranges::equal(dw[0].values(), dw[1].values()));
  }
}

}  // namespace
}  // namespace deepthin::runtime

// Every kernel of training_kernel_table.inc, for every instruction set of this CPU, against the
// same in f64: at the edges of vectors and tiles. AddressSanitizer sees what is read or written
// behind a row; what a row's gap holds must not change.
//
// A sum of n products is off by at most (n + 2) 2^-24 times the sum of their magnitudes (Higham,
// Accuracy and Stability, section 3.1); what goes through exp is within some units of its last
// place, and those of its argument.
#include "runtime/kernels/training_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "runtime/kernels/float16.h"
#include "runtime/kernels/kernels.h"
#include "tests/runtime/kernel_buffers.h"

namespace deepthin::runtime {
namespace {

constexpr int64_t kGap = 3;
constexpr float kUntouched = 12345;
constexpr int64_t kSizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100};

// Rows with gaps behind them, readable up to the multiple that right operands are.
struct Rows {
  Rows(int64_t rows, int64_t cols, uint32_t seed)
      : view{nullptr, rows, cols, Padded(cols) + kGap}, floats(rows * view.stride, 0, seed) {
    view.data = floats.data();
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = cols; j < view.stride; ++j) view.Row(i)[j] = kUntouched;
    }
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  [[nodiscard]] MatrixView<const float> read() const { return AsConst(view); }
  void ExpectGapsUntouched() const {
    for (int64_t i = 0; i < view.rows; ++i) {
      for (int64_t j = view.cols; j < view.stride; ++j) EXPECT_EQ(view.Row(i)[j], kUntouched);
    }
  }

  MatrixView<float> view;
  Buffer floats;
};

// What a product is to give and how far it may be off.
void CheckProduct(const LeftOperand<float>& left, MatrixView<const float> right,
                  MatrixView<const float> base, MatrixView<const float> out) {
  for (int64_t i = 0; i < out.rows; ++i) {
    for (int64_t j = 0; j < out.cols; ++j) {
      double sum = base.data == nullptr ? 0 : static_cast<double>(base.Row(i)[j]);
      double magnitude = std::abs(sum);
      for (int64_t k = 0; k < right.rows; ++k) {
        const double term = static_cast<double>(left.data[i * left.row + k * left.step]) *
                            static_cast<double>(right.Row(k)[j]);
        sum += term;
        magnitude += std::abs(term);
      }
      EXPECT_NEAR(out.Row(i)[j], sum,
                  static_cast<double>(right.rows + 3) * kUnitRoundoff * magnitude)
          << i << ", " << j << " of " << out.rows << " x " << out.cols << " x " << right.rows;
    }
  }
}

void CheckMultiply(const TrainingKernels<float>& kernels) {
  for (const int64_t rows : {1, 5, 6, 7, 13, 25}) {
    for (const int64_t cols : {1, 8, 15, 16, 17, 33, 48, 63, 64, 65, 130}) {
      for (const int64_t depth : {1, 2, 31}) {
        const Rows left(rows, depth, 1);
        const Rows turned(depth, rows, 2);
        const Rows right(depth, cols, 3);
        const Rows base(rows, cols, 4);
        Rows out(rows, cols, 5);
        const LeftOperand<float> plain = {left.view.data, left.view.stride, 1};
        const LeftOperand<float> transposed = {turned.view.data, 1, turned.view.stride};
        kernels.Multiply(plain, right.read(), {}, out.view);
        CheckProduct(plain, right.read(), {}, out.read());
        kernels.Multiply(transposed, right.read(), base.read(), out.view);
        CheckProduct(transposed, right.read(), base.read(), out.read());
        out.ExpectGapsUntouched();
      }
    }
  }
}

void CheckPackRows(const TrainingKernels<float>& kernels) {
  for (const int64_t rows : {1, 3, 4, 6, 16, 63, 64}) {
    for (const int64_t depth : {1, 3, 4, 9, 16, 21}) {
      const Rows in(rows, depth, 1);
      std::vector<float> actual(static_cast<size_t>(depth * kPanelColumns), kUntouched);
      std::vector<float> expected = actual;
      kernels.PackRows(in.read(), actual.data());
      reference::PackRows(in.read(), expected.data());
      EXPECT_EQ(actual, expected) << rows << " x " << depth;
    }
  }
}

void CheckPackColumns(const TrainingKernels<float>& kernels) {
  for (const int64_t cols : kSizes) {
    if (cols > kPanelColumns) continue;
    const Rows in(5, cols, 1);
    std::vector<float> panel(5 * kPanelColumns, kUntouched);
    kernels.PackColumns(in.read(), panel.data());
    for (int64_t i = 0; i < 5 * kPanelColumns; ++i) {
      const int64_t column = i % kPanelColumns;
      EXPECT_EQ(panel[static_cast<size_t>(i)],
                column < cols ? in.view.Row(i / kPanelColumns)[column] : 0);
    }
  }
}

// Both rows element by element; tolerance is relative to the largest element.
void ExpectRow(const std::vector<float>& actual, const std::vector<double>& expected,
               double tolerance, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size());
  double largest = 0;
  for (const double x : expected) largest = std::max(largest, std::abs(x));
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], tolerance * (largest + 1e-30))
        << what << " " << i << " of " << actual.size();
  }
}

std::vector<float> Floats(int64_t n, uint32_t seed, float scale = 1) {
  const Buffer numbers(n, 0, seed, scale);
  return {numbers.data(), numbers.data() + n};
}

std::vector<double> Doubles(const std::vector<float>& x) { return {x.begin(), x.end()}; }

constexpr double kRowTolerance = 2e-6;

void CheckNormRow(const TrainingKernels<float>& kernels) {
  for (const int64_t n : kSizes) {
    const auto x = Floats(n, 1, 4);
    const auto g = Floats(n, 2);
    std::vector<float> y(x.size());
    std::vector<double> expected(x.size());
    kernels.NormRow(x.data(), g.data(), n, 1e-5F, y.data());
    reference::NormRow(Doubles(x).data(), Doubles(g).data(), n, 1e-5, expected.data());
    ExpectRow(y, expected, kRowTolerance, "y");
  }
}

void CheckNormGradientRow(const TrainingKernels<float>& kernels) {
  for (const int64_t n : kSizes) {
    const auto x = Floats(n, 1, 4);
    const auto g = Floats(n, 2);
    const auto dy = Floats(n, 3);
    auto dx = Floats(n, 4);
    auto dg = Floats(n, 5);
    auto expected_dx = Doubles(dx);
    auto expected_dg = Doubles(dg);
    kernels.NormGradientRow(x.data(), g.data(), dy.data(), n, 1e-5F, dx.data(), dg.data());
    reference::NormGradientRow(Doubles(x).data(), Doubles(g).data(), Doubles(dy).data(), n, 1e-5,
                               expected_dx.data(), expected_dg.data());
    ExpectRow(dx, expected_dx, kRowTolerance, "dx");
    ExpectRow(dg, expected_dg, kRowTolerance, "dg");
  }
}

constexpr Ffn kFfns[] = {Ffn::kSwiglu, Ffn::kGelu, Ffn::kRelu};
int64_t GateSize(Ffn ffn, int64_t n) { return ffn == Ffn::kSwiglu ? 2 * n : n; }

void CheckActivationRow(const TrainingKernels<float>& kernels) {
  for (const Ffn ffn : kFfns) {
    for (const int64_t n : kSizes) {
      const auto gate = Floats(GateSize(ffn, n), 1, 8);
      std::vector<float> hidden(static_cast<size_t>(n));
      std::vector<double> expected(hidden.size());
      kernels.ActivationRow(ffn, gate.data(), n, hidden.data());
      reference::ActivationRow(ffn, Doubles(gate).data(), n, expected.data());
      ExpectRow(hidden, expected, kRowTolerance, "hidden");
    }
  }
}

void CheckActivationGradientRow(const TrainingKernels<float>& kernels) {
  for (const Ffn ffn : kFfns) {
    for (const int64_t n : kSizes) {
      const auto gate = Floats(GateSize(ffn, n), 1, 8);
      const auto dhidden = Floats(n, 2);
      std::vector<float> hidden(dhidden.size());
      std::vector<float> dgate(gate.size());
      std::vector<double> expected(hidden.size());
      std::vector<double> expected_dgate(gate.size());
      kernels.ActivationGradientRow(ffn, gate.data(), dhidden.data(), n, hidden.data(),
                                    dgate.data());
      reference::ActivationGradientRow(ffn, Doubles(gate).data(), Doubles(dhidden).data(), n,
                                       expected.data(), expected_dgate.data());
      ExpectRow(hidden, expected, kRowTolerance, "hidden");
      ExpectRow(dgate, expected_dgate, kRowTolerance, "dgate");
    }
  }
}

// Rows of n scores of which `seen` are seen, padded with what must not be looked at.
void CheckSoftmaxRow(const TrainingKernels<float>& kernels) {
  for (const int64_t n : kSizes) {
    for (const int64_t seen : {int64_t{1}, (n + 1) / 2, n}) {
      auto row = Floats(Padded(n), 1, 20);
      auto expected = Doubles(row);
      for (size_t i = static_cast<size_t>(seen); i < row.size(); ++i) row[i] = NAN;
      const float log_sum = kernels.SoftmaxRow(row.data(), seen, n, 0.5F);
      EXPECT_NEAR(log_sum, reference::SoftmaxRow(expected.data(), seen, n, 0.5), 1e-5);
      row.resize(static_cast<size_t>(n));
      expected.resize(row.size());
      ExpectRow(row, expected, 1e-5, "weight");
    }
  }
}

void CheckScoreGradientRow(const TrainingKernels<float>& kernels) {
  for (const int64_t n : kSizes) {
    for (const int64_t seen : {int64_t{1}, (n + 1) / 2, n}) {
      auto p = Floats(Padded(n), 1, 20);
      auto ds = Floats(Padded(n), 2);
      auto expected_p = Doubles(p);
      auto expected_ds = Doubles(ds);
      for (size_t i = static_cast<size_t>(seen); i < p.size(); ++i) p[i] = ds[i] = NAN;
      kernels.ScoreGradientRow(p.data(), ds.data(), seen, n, 0.5F, 9, 0.3F);
      reference::ScoreGradientRow(expected_p.data(), expected_ds.data(), seen, n, 0.5, 9.0,
                                  static_cast<double>(0.3F));
      for (auto* row : {&p, &ds}) row->resize(static_cast<size_t>(n));
      for (auto* row : {&expected_p, &expected_ds}) row->resize(static_cast<size_t>(n));
      ExpectRow(p, expected_p, 1e-5, "weight");
      ExpectRow(ds, expected_ds, 1e-5, "dscore");
    }
  }
}

void CheckCrossEntropyRow(const TrainingKernels<float>& kernels) {
  for (const int64_t n : kSizes) {
    for (const float scale : {0.0F, 0.25F}) {
      auto row = Floats(n, 1, 20);
      auto expected = Doubles(row);
      const float loss = kernels.CrossEntropyRow(row.data(), n, n / 2, scale);
      EXPECT_NEAR(loss,
                  reference::CrossEntropyRow(expected.data(), n, n / 2, static_cast<double>(scale)),
                  1e-5);
      ExpectRow(row, expected, 1e-5, "logit");
    }
  }
}

void CheckAdamWStep(const TrainingKernels<float>& kernels) {
  constexpr AdamWFactors<float> kFactors = {.gradient_scale = 0.5F,
                                            .beta1 = 0.9F,
                                            .fresh1 = 0.1F,
                                            .beta2 = 0.95F,
                                            .fresh2 = 0.05F,
                                            .rate = 0.01F,
                                            .keep = 0.99F,
                                            .root_bias2 = 0.3F,
                                            .epsilon = 1e-8F};
  const auto& f = kFactors;
  const AdamWFactors<double> exact = {f.gradient_scale, f.beta1, f.fresh1,     f.beta2,  f.fresh2,
                                      f.rate,           f.keep,  f.root_bias2, f.epsilon};
  for (const int64_t n : kSizes) {
    const auto gradient = Floats(n, 1);
    auto p = Floats(n, 2);
    auto m = Floats(n, 3);
    auto v = Floats(n, 4);
    for (float& x : v) x = std::abs(x);
    auto expected_p = Doubles(p);
    auto expected_m = Doubles(m);
    auto expected_v = Doubles(v);
    kernels.AdamWStep(kFactors, gradient.data(), n, p.data(), m.data(), v.data());
    reference::AdamWStep(exact, Doubles(gradient).data(), n, expected_p.data(), expected_m.data(),
                         expected_v.data());
    ExpectRow(p, expected_p, kRowTolerance, "parameter");
    ExpectRow(m, expected_m, kRowTolerance, "mean");
    ExpectRow(v, expected_v, kRowTolerance, "variance");
  }
}

struct Case {
  std::string name;
  void (*check)(const TrainingKernels<float>&);
};

class TrainingKernelTest : public testing::TestWithParam<Case> {};

TEST_P(TrainingKernelTest, AgreesWithF64) {
  for (const Kernels& set : SupportedKernels()) {
    SCOPED_TRACE(set.target);
    GetParam().check(TrainingKernelsFor(set.target));
  }
}

const Case kCases[] = {
// A name cannot stand in parentheses here. NOLINTNEXTLINE(bugprone-macro-parentheses)
#define DEEPTHIN_TRAINING_KERNEL(name) {#name, Check##name},
#include "runtime/kernels/training_kernel_table.inc"
#undef DEEPTHIN_TRAINING_KERNEL
};
INSTANTIATE_TEST_SUITE_P(All, TrainingKernelTest, testing::ValuesIn(kCases),
                         [](const auto& one) { return one.param.name; });

// ---- bf16 ----

float Rounded(float x) { return FloatFromBf16(Bf16FromFloat(x)); }

// `rows` as they are after rounding.
void Round(const Rows& rows) {
  for (int64_t i = 0; i < rows.view.rows; ++i) {
    for (int64_t j = 0; j < rows.view.cols; ++j) rows.view.Row(i)[j] = Rounded(rows.view.Row(i)[j]);
  }
}

// All functions at once: a product of operands that came into panels either way, and by pairs.
TEST(Bf16ProductsTest, AgreeWithF64OfRoundedOperands) {
  const Bf16Products* products = ActiveBf16Products();
  if (products == nullptr) GTEST_SKIP() << "no bf16 in " << ActiveTarget();
  for (const int64_t rows : {1, 5, 6, 13, 40, 64}) {
    for (const int64_t cols : {1, 15, 16, 17, 33, 48, 64}) {
      for (const int64_t depth : {1, 2, 15, 31, 32, 33, 70}) {
        const Rows left(rows, depth, 1);
        const Rows turned(depth, rows, 2);
        const Rows right(depth, cols, 3);
        const Rows turned_right(cols, depth, 6);
        const Rows base(rows, cols, 4);
        Rows out(rows, cols, 5);
        const int64_t panel_rows = RoundedDepth(depth);
        std::vector<float> rounded(static_cast<size_t>(rows * panel_rows));
        std::vector<float> panel(static_cast<size_t>(panel_rows * kPanelColumns));
        std::vector<float> left_panel(panel.size());
        const auto in_panel = [&] {
          return Dense<const float>(panel.data(), panel_rows, kPanelColumns);
        };

        products->RoundRows(left.read(), rounded.data());
        products->PackRows(turned_right.read(), panel.data());
        products->Multiply({rounded.data(), panel_rows, 1}, in_panel(), {}, out.view);
        Round(left);
        Round(turned_right);
        Rows as_columns(depth, cols, 7);
        for (int64_t k = 0; k < depth; ++k) {
          for (int64_t j = 0; j < cols; ++j)
            as_columns.view.Row(k)[j] = turned_right.view.Row(j)[k];
        }
        CheckProduct({left.view.data, left.view.stride, 1}, as_columns.read(), {}, out.read());

        products->PackColumns(turned.read(), left_panel.data());
        products->PackColumns(right.read(), panel.data());
        products->Multiply({left_panel.data(), 1, kPanelColumns}, in_panel(), base.read(),
                           out.view);
        Rows paired(panel_rows, rows, 8);
        Rows paired_right(panel_rows, cols, 9);
        products->PairRows(turned.read(), paired.view);
        products->PairRows(right.read(), paired_right.view);
        Rows again(rows, cols, 10);
        products->Multiply({paired.view.data, 1, paired.view.stride}, paired_right.read(),
                           base.read(), again.view);
        for (int64_t i = 0; i < rows; ++i) {
          EXPECT_TRUE(std::equal(out.view.Row(i), out.view.Row(i) + cols, again.view.Row(i)));
        }
        Round(turned);
        Round(right);
        CheckProduct({turned.view.data, 1, turned.view.stride}, right.read(), base.read(),
                     out.read());
        out.ExpectGapsUntouched();
      }
    }
  }
}

}  // namespace
}  // namespace deepthin::runtime

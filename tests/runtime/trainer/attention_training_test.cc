// Attention by tiles against the sums written out: at the edges of tiles, forward and backward, in
// f64, in f32, and with operands rounded to bf16.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <tuple>
#include <vector>

#include "runtime/kernels/float16.h"
#include "runtime/trainer/causal_attention.h"
#include "runtime/trainer/tensor.h"

namespace deepthin::runtime {
namespace {

constexpr int64_t kHeadDim = 6;

ModelSpec SpecOf(int64_t n_heads, int64_t n_kv_heads) {
  return {.vocab_size = 2,
          .d_model = 2,
          .n_blocks = 1,
          .n_heads = n_heads,
          .n_kv_heads = n_kv_heads,
          .head_dim = kHeadDim,
          .d_ff = 2};
}

Tensor<double> Random(int64_t rows, int64_t cols, uint32_t seed) {
  std::mt19937 random(seed);
  Tensor<double> out(rows, cols, "a test");
  for (double& x : out.values()) x = 2 * std::normal_distribution<double>()(random);
  return out;
}

double Dot(const double* a, const double* b) {
  double sum = 0;
  for (int64_t i = 0; i < kHeadDim; ++i) sum += a[i] * b[i];
  return sum;
}

// Output of query head `head` at token t of a sequence that begins at row `first`.
std::vector<double> Attended(const ModelSpec& spec, const Tensor<double>& qkv, int64_t first,
                             int64_t t, int64_t head) {
  const int64_t kv = head / (spec.n_heads / spec.n_kv_heads) * kHeadDim;
  const double* query = qkv.Row(first + t) + head * kHeadDim;
  std::vector<double> weights;
  double sum = 0;
  for (int64_t j = 0; j <= t; ++j) {
    const double* key = qkv.Row(first + j) + QueryDim(spec) + kv;
    weights.push_back(std::exp(Dot(query, key) / std::sqrt(double{kHeadDim})));
    sum += weights.back();
  }
  std::vector<double> out(kHeadDim);
  for (int64_t j = 0; j <= t; ++j) {
    const double* value = qkv.Row(first + j) + QueryDim(spec) + KvDim(spec) + kv;
    for (size_t c = 0; c < out.size(); ++c) {
      out[c] += weights[static_cast<size_t>(j)] / sum * value[c];
    }
  }
  return out;
}

class AttentionTrainingTest : public testing::TestWithParam<std::tuple<int64_t, int64_t>> {
 protected:
  // 32 positions are a tile.
  static constexpr int64_t kSequences = 2;
  int64_t length_ = std::get<0>(GetParam());
  ModelSpec spec_ = SpecOf(4, std::get<1>(GetParam()));
  int64_t tokens_ = kSequences * length_;
  ThreadPool pool_{2};
  CausalAttention<double> attention_{spec_, length_, pool_};
  Tensor<double> qkv_ = Random(tokens_, QueryDim(spec_) + 2 * KvDim(spec_), 1);
  Tensor<double> out_{tokens_, QueryDim(spec_), "a test"};
  Tensor<double> log_sums_{tokens_, 4, "a test"};
};

TEST_P(AttentionTrainingTest, ForwardIsTheSumWrittenOut) {
  attention_.Forward(AsConstView(qkv_.view()), out_.view(), log_sums_.view());
  for (int64_t row = 0; row < tokens_; ++row) {
    for (int64_t head = 0; head < 4; ++head) {
      const auto expected = Attended(spec_, qkv_, row / length_ * length_, row % length_, head);
      for (int64_t c = 0; c < kHeadDim; ++c) {
        ASSERT_NEAR(out_.Row(row)[head * kHeadDim + c], expected[static_cast<size_t>(c)], 1e-12);
      }
    }
  }
}

TEST_P(AttentionTrainingTest, BackwardIsTheDerivativeOfForward) {
  const Tensor<double> dout = Random(tokens_, QueryDim(spec_), 2);
  Tensor<double> dqkv = Random(tokens_, qkv_.cols(), 3);  // overwritten
  attention_.Forward(AsConstView(qkv_.view()), out_.view(), log_sums_.view());
  Tensor<double> row_sums(tokens_, 4, "a test");
  attention_.RowSums(AsConstView(out_.view()), dout.view(), row_sums.view());
  attention_.Backward(AsConstView(qkv_.view()), AsConstView(log_sums_.view()), dout.view(),
                      AsConstView(row_sums.view()), dqkv.view());
  // Along a direction that differs in every element, the sum of dout x out.
  const Tensor<double> along = Random(tokens_, qkv_.cols(), 4);
  const auto moved_by = [&](double step) {
    Tensor<double> moved(tokens_, qkv_.cols(), "a test");
    for (size_t i = 0; i < moved.values().size(); ++i) {
      moved.values()[i] = qkv_.values()[i] + step * along.values()[i];
    }
    attention_.Forward(AsConstView(moved.view()), out_.view(), log_sums_.view());
    double sum = 0;
    for (size_t i = 0; i < out_.values().size(); ++i) sum += out_.values()[i] * dout.values()[i];
    return sum;
  };
  double expected = 0;
  for (size_t i = 0; i < along.values().size(); ++i) {
    expected += along.values()[i] * dqkv.values()[i];
  }
  constexpr double kStep = 1e-4;
  const double wide = (moved_by(kStep) - moved_by(-kStep)) / (2 * kStep);
  const double narrow = (moved_by(kStep / 2) - moved_by(-kStep / 2)) / kStep;
  EXPECT_NEAR((4 * narrow - wide) / 3, expected, 1e-7 * std::abs(expected));
}

INSTANTIATE_TEST_SUITE_P(AroundTiles, AttentionTrainingTest,
                         testing::Combine(testing::Values(1, 2, 31, 32, 33, 64, 150),
                                          testing::Values(1, 2, 4)));

// ---- f32 and bf16 ----

// A gradient or output written out, and the sum of its terms' magnitudes.
struct Sums {
  Sums(int64_t rows, int64_t cols)
      : values(rows, cols, "a test"), magnitudes(rows, cols, "a test") {}
  void Add(int64_t row, int64_t col, double term) {
    values.Row(row)[col] += term;
    magnitudes.Row(row)[col] += std::abs(term);
  }
  Tensor<double> values, magnitudes;
};

struct WrittenOut {
  Sums out, dqkv;
};

// One sequence of one head for each token and position; the gradient of products of a query and
// keys is P (dP - sum(P dP)) times the scale.
WrittenOut WriteOut(const ModelSpec& spec, const Tensor<float>& qkv, const Tensor<float>& dout) {
  const int64_t hd = spec.head_dim;
  WrittenOut result = {{qkv.rows(), QueryDim(spec)}, {qkv.rows(), qkv.cols()}};
  const double scale = 1 / std::sqrt(static_cast<double>(hd));
  for (int64_t head = 0; head < spec.n_heads; ++head) {
    const int64_t query = head * hd;
    const int64_t key = QueryDim(spec) + head / (spec.n_heads / spec.n_kv_heads) * hd;
    const int64_t value = key + KvDim(spec);
    const auto dot = [&](const float* a, const float* b) {
      double sum = 0;
      for (int64_t c = 0; c < hd; ++c) sum += static_cast<double>(a[c]) * static_cast<double>(b[c]);
      return sum;
    };
    for (int64_t t = 0; t < qkv.rows(); ++t) {
      std::vector<double> p;
      double sum = 0;
      for (int64_t j = 0; j <= t; ++j) {
        p.push_back(std::exp(scale * dot(qkv.Row(t) + query, qkv.Row(j) + key)));
        sum += p.back();
      }
      double mean = 0;  // of dP
      for (int64_t j = 0; j <= t; ++j) {
        p[static_cast<size_t>(j)] /= sum;
        mean += p[static_cast<size_t>(j)] * dot(dout.Row(t) + query, qkv.Row(j) + value);
      }
      for (int64_t j = 0; j <= t; ++j) {
        const double weight = p[static_cast<size_t>(j)];
        const double dscore =
            scale * weight * (dot(dout.Row(t) + query, qkv.Row(j) + value) - mean);
        for (int64_t c = 0; c < hd; ++c) {
          result.out.Add(t, query + c, weight * static_cast<double>(qkv.Row(j)[value + c]));
          result.dqkv.Add(j, value + c, weight * static_cast<double>(dout.Row(t)[query + c]));
          result.dqkv.Add(t, query + c, dscore * static_cast<double>(qkv.Row(j)[key + c]));
          result.dqkv.Add(j, key + c, dscore * static_cast<double>(qkv.Row(t)[query + c]));
        }
      }
    }
  }
  return result;
}

void ExpectNear(const Tensor<float>& actual, const Sums& expected, double share) {
  for (int64_t r = 0; r < actual.rows(); ++r) {
    for (int64_t c = 0; c < actual.cols(); ++c) {
      ASSERT_NEAR(static_cast<double>(actual.Row(r)[c]), expected.values.Row(r)[c],
                  share * expected.magnitudes.Row(r)[c] + 1e-6)
          << r << ", " << c;
    }
  }
}

// Length, head_dim, precision.
class FloatAttentionTest
    : public testing::TestWithParam<std::tuple<int64_t, int64_t, ProductPrecision>> {};

// Queries, keys, values and dO are numbers of bf16, so that of the operands only weights and the
// gradients of scores are rounded: by 2^-8 of each term.
TEST_P(FloatAttentionTest, AgreesWithSumsToItsRounding) {
  const auto [length, head_dim, precision] = GetParam();
  if (!IsSupported(precision)) GTEST_SKIP() << "no bf16 here";
  ModelSpec spec = SpecOf(2, 1);
  spec.head_dim = head_dim;
  const auto numbers = [](int64_t rows, int64_t cols, uint32_t seed) {
    const Tensor<double> random = Random(rows, cols, seed);
    Tensor<float> out(rows, cols, "a test");
    for (size_t i = 0; i < out.values().size(); ++i) {
      out.values()[i] = FloatFromBf16(Bf16FromFloat(static_cast<float>(random.values()[i] / 2)));
    }
    return out;
  };
  const Tensor<float> qkv = numbers(length, QueryDim(spec) + 2 * KvDim(spec), 1);
  const Tensor<float> dout = numbers(length, QueryDim(spec), 2);
  const WrittenOut expected = WriteOut(spec, qkv, dout);
  // exp of scores of up to some 20 that are sums in f32 is off by up to 1e-5 of itself.
  const double rounding = 2e-5 + (precision == ProductPrecision::kBf16 ? 0x1p-8 : 0);

  ThreadPool pool(1);
  CausalAttention<float> attention(spec, length, pool, precision);
  Tensor<float> out(length, QueryDim(spec), "a test");
  Tensor<float> log_sums(length, spec.n_heads, "a test");
  attention.Forward(qkv.view(), out.view(), log_sums.view());
  ExpectNear(out, expected.out, rounding);
  // What follows from the rounding of `out` is not looked at here.
  for (size_t i = 0; i < out.values().size(); ++i) {
    out.values()[i] = static_cast<float>(expected.out.values.values()[i]);
  }
  Tensor<float> dqkv(length, qkv.cols(), "a test");
  Tensor<float> row_sums(length, spec.n_heads, "a test");
  attention.RowSums(AsConstView(out.view()), dout.view(), row_sums.view());
  attention.Backward(qkv.view(), AsConstView(log_sums.view()), dout.view(),
                     AsConstView(row_sums.view()), dqkv.view());
  ExpectNear(dqkv, expected.dqkv, rounding);
}

INSTANTIATE_TEST_SUITE_P(
    AroundTiles, FloatAttentionTest,
    testing::Combine(testing::Values(1, 2, 31, 32, 33, 65, 130), testing::Values(2, 6, 16, 70),
                     testing::Values(ProductPrecision::kF32, ProductPrecision::kBf16)));

}  // namespace
}  // namespace deepthin::runtime

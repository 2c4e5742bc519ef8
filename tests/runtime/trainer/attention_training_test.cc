// Attention by tiles against the sums written out, in f64: at the edges of tiles, forward and
// backward.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <tuple>
#include <vector>

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
  attention_.Backward(AsConstView(qkv_.view()), AsConstView(out_.view()),
                      AsConstView(log_sums_.view()), dout.view(), dqkv.view());
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

}  // namespace
}  // namespace deepthin::runtime

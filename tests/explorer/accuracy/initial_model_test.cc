// Scores at initialisation, of weights for which they are known.
#include "explorer/accuracy/initial_model.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "runtime/trainer/backpropagation.h"
#include "tests/runtime/test_models.h"
#include "tests/runtime/trainer/training_models.h"

namespace deepthin::explorer {
namespace {

using runtime::BatchShape;
using runtime::LayOutParameters;
using runtime::ParameterLayout;
using runtime::SmallParameters;
using runtime::SmallSpec;

// Parameters and a batch that an InitialModel has views of.
struct Subject {
  Subject(const ModelSpec& model, const BatchShape& batch_shape)
      : spec(model),
        shape(batch_shape),
        layout(LayOutParameters(spec)),
        parameters(SmallParameters<float>(spec, 3)),
        batch(RandomTokens(spec.vocab_size, shape, 5)) {}

  [[nodiscard]] InitialModel View() {
    return {.spec = spec, .parameters = parameters, .shape = shape, .batch = batch, .pool = pool};
  }
  void Clear(int64_t begin, int64_t end) {
    std::fill(parameters.begin() + begin, parameters.begin() + end, 0.0F);
  }

  ModelSpec spec;
  BatchShape shape;
  ParameterLayout layout;
  std::vector<float> parameters;
  std::vector<int32_t> batch;
  runtime::ThreadPool pool{2};
};

TEST(RandomTokensTest, AreOfTheWholeVocabularyAndTheSeedsOwn) {
  const BatchShape shape = {.sequences = 3, .length = 99};
  const auto tokens = RandomTokens(7, shape, 1);
  ASSERT_EQ(tokens.size(), 300u);
  EXPECT_EQ(std::set<int32_t>(tokens.begin(), tokens.end()),
            (std::set<int32_t>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(RandomTokens(7, shape, 1), tokens);
  EXPECT_NE(RandomTokens(7, shape, 2), tokens);
}

// Queries of 0: at position t each of t + 1 positions has the same weight.
TEST(HeadConfidenceTest, WithoutQueriesItIsThatOfEvenWeights) {
  const BatchShape shape = {.sequences = 2, .length = 70};
  ModelSpec spec = SmallSpec();
  spec.max_seq_len = 128;
  Subject subject(spec, shape);
  for (const auto& block : subject.layout.blocks) {
    subject.Clear(block.qkv.offset, block.qkv.offset + QueryDim(spec) * spec.d_model);
  }
  double expected = 0;
  for (int64_t t = 0; t < shape.length; ++t) {
    expected += 1 / static_cast<double>(t + 1) / static_cast<double>(shape.length);
  }
  EXPECT_NEAR(HeadConfidence(subject.View()), expected, 1e-6);
}

TEST(HeadConfidenceTest, IsOneWhereThereIsOneTokenToLookAt) {
  Subject subject(SmallSpec(), {.sequences = 4, .length = 1});
  EXPECT_EQ(HeadConfidence(subject.View()), 1);
}

// Large queries and keys make each head choose one token.
TEST(HeadConfidenceTest, GrowsWithTheScaleOfQueries) {
  Subject subject(SmallSpec(), {.sequences = 2, .length = 20});
  const double before = HeadConfidence(subject.View());
  for (const auto& block : subject.layout.blocks) {
    for (int64_t i = 0; i < QueryDim(subject.spec) * subject.spec.d_model; ++i) {
      subject.parameters[static_cast<size_t>(block.qkv.offset + i)] *= 1000;
    }
  }
  const double after = HeadConfidence(subject.View());
  EXPECT_LT(before, 0.9);
  EXPECT_GT(after, 0.95);
  EXPECT_LE(after, 1);
}

// Each linear map's norm by itself, with the gradient from finite differences in f64.
double NormsByDifferences(const Subject& subject) {
  constexpr double kStep = 1e-4;
  runtime::ThreadPool pool(1);
  runtime::Backpropagation<double> model(subject.spec, subject.shape, pool);
  std::vector<double> p(subject.parameters.begin(), subject.parameters.end());
  const auto norm = [&](const runtime::ParameterPlace& place, int64_t begin, int64_t end) {
    double squares = 0;
    for (int64_t i = place.offset + begin * place.cols; i < place.offset + end * place.cols; ++i) {
      double& x = p[static_cast<size_t>(i)];
      const double at = x;
      x = at + kStep;
      const double above = model.Loss(p, subject.batch);
      x = at - kStep;
      const double below = model.Loss(p, subject.batch);
      x = at;
      squares += std::pow((above - below) / (2 * kStep), 2);
    }
    return std::sqrt(squares);
  };
  const ModelSpec& spec = subject.spec;
  const int64_t q = QueryDim(spec);
  const int64_t kv = KvDim(spec);
  double sum = norm(subject.layout.head, 0, spec.vocab_size);
  for (const auto& b : subject.layout.blocks) {
    sum += norm(b.qkv, 0, q) + norm(b.qkv, q, q + kv) + norm(b.qkv, q + kv, q + 2 * kv) +
           norm(b.wo, 0, b.wo.rows) + norm(b.w_down, 0, b.w_down.rows) +
           norm(b.gate_up, 0, spec.d_ff);
    if (b.gate_up.rows > spec.d_ff) sum += norm(b.gate_up, spec.d_ff, b.gate_up.rows);
  }
  return sum;
}

TEST(GradientNormTest, AgreesWithFiniteDifferences) {
  ModelSpec spec = SmallSpec();
  spec.d_model = 6;
  spec.n_heads = 2;
  spec.n_kv_heads = 1;
  spec.head_dim = 4;
  spec.d_ff = 5;
  spec.vocab_size = 11;
  for (const Ffn ffn : {Ffn::kSwiglu, Ffn::kGelu}) {
    for (const bool tied : {true, false}) {
      spec.ffn = ffn;
      spec.tie_embeddings = tied;
      spec.repeat = RepeatScheduleFromText(tied ? "immediate:2" : "none");
      Subject subject(spec, {.sequences = 2, .length = 5});
      const double expected = NormsByDifferences(subject);
      EXPECT_NEAR(GradientNorm(subject.View()), expected, 1e-4 * expected);
    }
  }
}

// A head of 0 gives each token a probability of 1 / V; only the head has a gradient, for one token
// that of its normed vector x (1 / V - [is the target]): of norm root(d) root(1 - 1 / V).
TEST(GradientNormTest, WithAHeadOfZeroIsThatOfTheHead) {
  ModelSpec spec = SmallSpec();
  spec.tie_embeddings = false;
  spec.norm_eps = 1e-12;
  Subject subject(spec, {.sequences = 1, .length = 1});
  subject.Clear(subject.layout.head.offset, subject.layout.head.end());
  std::fill_n(subject.parameters.begin() + subject.layout.final_norm.offset, spec.d_model, 1.0F);
  const double expected =
      std::sqrt(static_cast<double>(spec.d_model) * (1 - 1 / static_cast<double>(spec.vocab_size)));
  EXPECT_NEAR(GradientNorm(subject.View()), expected, 1e-5 * expected);
}

// One block without attention, so that a token's hidden layer is its own; of m different tokens
// there are m - 1 directions around their mean.
TEST(WeightedComponentsTest, HiddenStatesOfAKnownRank) {
  ModelSpec spec = SmallSpec();
  spec.n_blocks = 1;
  spec.repeat = {};
  spec.d_model = 24;
  spec.d_ff = 40;
  spec.vocab_size = 50;
  for (const Ffn ffn : {Ffn::kSwiglu, Ffn::kRelu}) {
    spec.ffn = ffn;
    Subject subject(spec, {.sequences = 8, .length = 9});
    const auto& wo = subject.layout.blocks[0].wo;
    subject.Clear(wo.offset, wo.end());
    const auto params = static_cast<double>(CountParams(spec).total());
    for (const int32_t m : {1, 2, 7}) {
      for (size_t i = 0; i < subject.batch.size(); ++i) {
        subject.batch[i] = static_cast<int32_t>(i) % m;
      }
      EXPECT_EQ(WeightedComponents(subject.View(), 0.99999), params * (m - 1)) << m;
    }
  }
}

// The definition: centred hidden layers, their covariance, its eigenvalues.
double ByDefinition(Subject& subject, double eta) {
  runtime::Backpropagation<float> model(subject.spec, subject.shape, subject.pool);
  int64_t components = 0;
  const auto note = [&](int64_t, runtime::MatrixView<const float>,
                        runtime::MatrixView<const float> gate_up) {
    Eigen::MatrixXd h(gate_up.rows, subject.spec.d_ff);
    for (Eigen::Index r = 0; r < h.rows(); ++r) {
      for (Eigen::Index c = 0; c < h.cols(); ++c) h(r, c) = static_cast<double>(gate_up.Row(r)[c]);
    }
    const Eigen::MatrixXd centred = h.rowwise() - h.colwise().mean();
    const Eigen::MatrixXd covariance = centred.transpose() * centred;
    const Eigen::VectorXd values =
        Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(covariance).eigenvalues().reverse();
    double held = 0;
    for (Eigen::Index i = 0; i < values.size() && held < eta * values.sum(); ++i) {
      held += values[i];
      ++components;
    }
  };
  model.Observe(subject.parameters, subject.batch, {.on_attention = {}, .on_ffn = note});
  return static_cast<double>(CountParams(subject.spec).total() * components);
}

TEST(WeightedComponentsTest, AgreeWithTheDefinition) {
  for (const char* repeat : {"none", "immediate:2"}) {
    for (const int64_t d_ff : {9, 60}) {
      ModelSpec spec = SmallSpec();
      spec.d_model = 20;
      spec.d_ff = d_ff;
      spec.repeat = RepeatScheduleFromText(repeat);
      Subject subject(spec, {.sequences = 5, .length = 30});
      for (const double eta : {0.5, 0.9, 0.99}) {
        EXPECT_EQ(WeightedComponents(subject.View(), eta), ByDefinition(subject, eta))
            << repeat << ' ' << d_ff << ' ' << eta;
      }
    }
  }
}

}  // namespace
}  // namespace deepthin::explorer

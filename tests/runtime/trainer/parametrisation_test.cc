// The coordinate check (Yang et al., arXiv 2203.03466, appendix D.1; over depth as in arXiv
// 2505.01618, figure 4): what flows through a model, and how much it changes in a few steps, is of
// one size whatever the width and the depth; with one learning rate for all tensors it is not.
#include "runtime/trainer/parametrisation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "runtime/trainer/trainer.h"
#include "runtime/trainer/training_macs.h"
#include "tests/runtime/reference_decoder.h"
#include "tests/runtime/test_models.h"
#include "tests/runtime/trainer/training_models.h"

namespace deepthin::runtime {
namespace {

ModelSpec SpecOf(int64_t d_model, int64_t n_blocks) {
  return {.vocab_size = 61,
          .d_model = d_model,
          .n_blocks = n_blocks,
          .n_heads = d_model / 16,
          .n_kv_heads = d_model / 32,
          .head_dim = 16,
          .d_ff = d_model * 8 / 3,
          .max_seq_len = 32};
}

// Roots of mean squares over tokens and elements.
struct Coordinates {
  double residual = 0;         // the residual stream behind the last block, before training
  double residual_change = 0;  // of it by a few steps
  double logit_change = 0;
};

struct Activations {
  std::vector<double> residual, logits;
};

Activations ActivationsOf(const Weights& weights, const std::vector<int32_t>& tokens) {
  ReferencePass pass(weights, Dtype::kF32, std::nullopt);
  Activations out;
  for (const int32_t token : tokens) {
    const std::vector<double> logits = pass.Step(token);
    out.logits.insert(out.logits.end(), logits.begin(), logits.end());
    out.residual.insert(out.residual.end(), pass.residual().begin(), pass.residual().end());
  }
  return out;
}

double RootMeanSquare(const std::vector<double>& a, const std::vector<double>& less = {}) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i] - (less.empty() ? 0 : less[i]);
    sum += x * x;
  }
  return std::sqrt(sum / static_cast<double>(a.size()));
}

Coordinates CoordinatesOf(const ModelSpec& spec, Parametrisation chosen) {
  constexpr int kSteps = 4;
  const TrainingOptions options = {.shape = {.sequences = 4, .length = 12},
                                   .rate = {.steps = kSteps, .peak = 3e-4, .final_share = 1},
                                   .parametrisation = chosen};
  ThreadPool pool(2);
  Trainer trainer(InitialWeights(spec, chosen, 1, pool), options, pool);
  const std::vector<int32_t> batch = RandomBatch(spec, options.shape, 1);
  const std::vector<int32_t> probe(batch.begin(), batch.begin() + 6);
  const Activations before = ActivationsOf(trainer.Copy(), probe);
  for (int i = 0; i < kSteps; ++i) trainer.Step(batch);
  const Activations after = ActivationsOf(trainer.Copy(), probe);
  return {.residual = RootMeanSquare(before.residual),
          .residual_change = RootMeanSquare(after.residual, before.residual),
          .logit_change = RootMeanSquare(after.logits, before.logits)};
}

// Largest over smallest of one coordinate.
double Spread(const std::vector<Coordinates>& all, double Coordinates::*coordinate) {
  const auto [low, high] = std::minmax_element(
      all.begin(), all.end(),
      [&](const Coordinates& a, const Coordinates& b) { return a.*coordinate < b.*coordinate; });
  return *high.*coordinate / (*low.*coordinate);
}

struct Spreads {
  double residual, residual_change, logit_change;
};
Spreads SpreadsOf(const std::vector<ModelSpec>& specs, Parametrisation chosen) {
  std::vector<Coordinates> all;
  all.reserve(specs.size());
  for (const ModelSpec& spec : specs) all.push_back(CoordinatesOf(spec, chosen));
  return {Spread(all, &Coordinates::residual), Spread(all, &Coordinates::residual_change),
          Spread(all, &Coordinates::logit_change)};
}

// Eight times the width.
std::vector<ModelSpec> Widths() { return {SpecOf(64, 2), SpecOf(128, 2), SpecOf(512, 2)}; }

// 16 times the depth, at the end by repeats.
std::vector<ModelSpec> Depths() {
  std::vector<ModelSpec> specs = {SpecOf(64, 2), SpecOf(64, 4), SpecOf(64, 32), SpecOf(64, 8)};
  specs.back().repeat = {.kind = RepeatKind::kImmediate, .times = 4, .order = {}};
  return specs;
}

// Over the width 1.05, 1.35 and 1.35 were seen, over the depth 1.73 and 1.75. At first the residual
// stream of a deep model is smaller: independent terms of 1 / m_L add up to 1 / sqrt(m_L), while
// what steps change of them is aligned, and adds up to 1.
TEST(ParametrisationTest, CompletePKeepsSizesOverWidth) {
  const Spreads spreads = SpreadsOf(Widths(), Parametrisation::kCompleteP);
  EXPECT_LT(spreads.residual, 1.3);
  EXPECT_LT(spreads.residual_change, 1.8);
  EXPECT_LT(spreads.logit_change, 1.8);
}

TEST(ParametrisationTest, CompletePKeepsSizesOverDepth) {
  const Spreads spreads = SpreadsOf(Depths(), Parametrisation::kCompleteP);
  EXPECT_LT(spreads.residual_change, 2.2);
  EXPECT_LT(spreads.logit_change, 2.2);
}

// 5.4 and 7.9, 32 and 5.4 were seen.
TEST(ParametrisationTest, StandardDoesNotKeepThem) {
  for (const auto& specs : {Widths(), Depths()}) {
    const Spreads spreads = SpreadsOf(specs, Parametrisation::kStandard);
    EXPECT_GT(spreads.residual_change, 3.5);
    EXPECT_GT(spreads.logit_change, 3.5);
  }
}

TEST(ParametrisationTest, TheBaseShapeIsTheStandardOne) {
  ModelSpec spec = SpecOf(kBaseWidth, kBaseDepth);
  spec.d_ff = 683;  // 8/3 of 256, nearly
  for (const TensorScales& scales : ScalesOf(spec, Parametrisation::kCompleteP)) {
    EXPECT_EQ(scales.initial, 1);
    EXPECT_NEAR(scales.rate, 1, 1e-3);
    EXPECT_EQ(scales.epsilon, 1);
  }
  ThreadPool pool(1);
  const Weights standard = InitialWeights(spec, Parametrisation::kStandard, 3, pool);
  const Weights complete_p = InitialWeights(spec, Parametrisation::kCompleteP, 3, pool);
  EXPECT_TRUE(std::ranges::equal(F32Values(standard.embedding), F32Values(complete_p.embedding)));
}

// Twice the width and twice the depth, tensor by tensor (arXiv 2505.01618, table 1), residual and
// logit multipliers folded in.
TEST(ParametrisationTest, ScalesAreThoseOfTheTable) {
  ModelSpec spec = SpecOf(2 * kBaseWidth, 2 * kBaseDepth);
  spec.d_ff = 2 * 683;
  spec.tie_embeddings = false;
  const auto layout = LayOutParameters(spec);
  const auto scales = ScalesOf(spec, Parametrisation::kCompleteP);
  ASSERT_EQ(scales.size(), layout.tensors.size());
  const auto of = [&](const std::string& name) {
    for (size_t i = 0; i < scales.size(); ++i) {
      if (layout.tensors[i].name == name) return scales[i];
    }
    ADD_FAILURE() << name;
    return TensorScales();
  };
  EXPECT_EQ(of("embedding"), (TensorScales{std::sqrt(2.0), 1, 0.5}));
  EXPECT_EQ(of("head"), (TensorScales{std::sqrt(2.0), 1, 0.5}));
  EXPECT_EQ(of("block 7 qkv"), (TensorScales{1, 0.5, 0.25}));
  EXPECT_EQ(of("block 0 gate_up"), (TensorScales{1, 0.5, 0.25}));
  EXPECT_EQ(of("block 0 wo"), (TensorScales{0.5, 0.25, 0.5}));
  EXPECT_EQ(of("block 0 ffn_norm"), (TensorScales{1, 1, 0.25}));
  EXPECT_EQ(of("final_norm"), (TensorScales{0.5, 0.5, 1}));
  EXPECT_NEAR(of("block 3 w_down").rate, 0.25, 1e-3);
}

// By hand: MobileLLM's shapes in small.
TEST(TrainingMacsTest, CountsThreePassesOfWhatIsExecuted) {
  ModelSpec spec = {.vocab_size = 10,
                    .d_model = 4,
                    .n_blocks = 2,
                    .n_heads = 2,
                    .n_kv_heads = 1,
                    .head_dim = 2,
                    .d_ff = 6,
                    .max_seq_len = 32};
  // Queries 16, keys and values 8 each, output 16; three matrices of 24. A token sees 4 positions
  // on average, each of them 4 multiply-adds of a score and 4 of a sum.
  const double block = 16 + 8 + 8 + 16 + 3 * 24 + 4 * (4 + 4);
  EXPECT_EQ(TrainingMacsPerToken(spec, 7), 3 * (2 * block + 40));
  spec.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  EXPECT_EQ(TrainingMacsPerToken(spec, 7), 3 * (4 * block + 40));
}

}  // namespace
}  // namespace deepthin::runtime

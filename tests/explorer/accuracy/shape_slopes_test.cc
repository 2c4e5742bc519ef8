#include "explorer/accuracy/shape_slopes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "explorer/accuracy/shape_features.h"
#include "spec/random.h"

namespace deepthin::explorer {
namespace {

using ::testing::SizeIs;

constexpr size_t kBlocks = 1;
constexpr size_t kFfnRatio = 4;
constexpr size_t kGated = 8;
constexpr size_t kTied = 9;
constexpr size_t kAsked[] = {kBlocks, kFfnRatio, kGated, kTied};
constexpr BootstrapOptions kBootstrap{.resamples = 400};

std::vector<ModelSpec> Models(size_t count) {
  std::vector<ModelSpec> out;
  SplitMix64 random(5);
  for (size_t i = 0; i < count; ++i) {
    out.push_back({.vocab_size = 500,
                   .d_model = 64,
                   .n_blocks = 2 + random.NextBelow(20),
                   .n_heads = 4,
                   .n_kv_heads = 2,
                   .head_dim = 16,
                   .d_ff = 96 + 8 * random.NextBelow(20),
                   .tie_embeddings = random.NextBelow(2) == 1,
                   .max_seq_len = 64});
  }
  return out;
}

// -0.03 ln blocks + 0.02 ln d_ff / d_model + 0.01 if tied, and noise.
std::vector<double> Losses(std::span<const ModelSpec> models, double noise) {
  std::vector<double> out;
  SplitMix64 random(9);
  for (const ModelSpec& model : models) {
    const ShapeFeatures f = FeaturesOf(model);
    out.push_back(4 - 0.03 * f[kBlocks] + 0.02 * f[kFfnRatio] + 0.01 * f[kTied] +
                  noise * std::sqrt(12.0) * (random.NextUnit() - 0.5));
  }
  return out;
}

TEST(SlopesOf, FindWhatTheTargetsWereMadeOf) {
  const auto models = Models(40);
  const auto slopes = SlopesOf(models, Losses(models, 0), kAsked, kBootstrap);
  ASSERT_TRUE(slopes);
  ASSERT_THAT(slopes->slopes, SizeIs(3));  // all are gated: that has no slope
  const double expected[] = {-0.03, 0.02, 0.01};
  for (size_t j = 0; j < 3; ++j) {
    const Figure& slope = slopes->slopes[j].slope;
    EXPECT_NEAR(*slope.value, expected[j], 1e-12);
    EXPECT_NEAR(slope.interval->low, expected[j], 1e-12);
    EXPECT_NEAR(slope.interval->high, expected[j], 1e-12);
  }
  EXPECT_EQ(slopes->slopes[0].feature, "stored blocks");
  EXPECT_EQ(slopes->slopes[2].feature, "tied embeddings");
  EXPECT_NEAR(slopes->left, 0, 1e-12);
}

TEST(SlopesOf, SayHowSureTheyAre) {
  const auto models = Models(200);
  const auto slopes = SlopesOf(models, Losses(models, 0.02), kAsked, kBootstrap);
  ASSERT_TRUE(slopes);
  EXPECT_NEAR(slopes->left, 0.02, 0.002);
  // The closed form of one regressor: error / (deviation of the feature x sqrt(n)).
  double mean = 0;
  double squares = 0;
  for (const ModelSpec& model : models) mean += FeaturesOf(model)[kBlocks] / 200;
  for (const ModelSpec& model : models) squares += std::pow(FeaturesOf(model)[kBlocks] - mean, 2);
  const double half = kNinetyPercent * 0.02 / std::sqrt(squares);
  const Figure& blocks = slopes->slopes[0].slope;
  EXPECT_NEAR((blocks.interval->high - blocks.interval->low) / 2, half, 0.25 * half);
  EXPECT_NEAR(*blocks.value, -0.03, 2 * half);
}

TEST(SlopesOf, AreAbsentWhereTheModelsDoNotSay) {
  const auto of = [](const std::vector<ModelSpec>& models) {
    return SlopesOf(models, Losses(models, 0), kAsked, kBootstrap);
  };
  EXPECT_FALSE(of({}));
  EXPECT_FALSE(of(Models(1)));
  EXPECT_TRUE(of(Models(8)));
  EXPECT_FALSE(of(Models(7)));
  // Two features that are one: deeper models, and they alone, are tied.
  auto alike = Models(40);
  for (ModelSpec& model : alike) {
    model.n_blocks = model.n_blocks > 10 ? 12 : 4;
    model.tie_embeddings = model.n_blocks == 12;
  }
  EXPECT_FALSE(of(alike));
  // Nothing varies.
  EXPECT_FALSE(of(std::vector<ModelSpec>(10, Models(1)[0])));
}

}  // namespace
}  // namespace deepthin::explorer

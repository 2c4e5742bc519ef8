// Pairs of several sets together, against counting by hand and against the ranking of one set.
#include "explorer/accuracy/pooled_pairs.h"

#include <gtest/gtest.h>

#include "spec/random.h"

namespace deepthin::explorer {
namespace {

constexpr BootstrapOptions kOptions = {.resamples = 200, .share = 0.90, .seed = 7};

// All of one budget in decoder parameters; the total ones far apart.
ScoredSet SetOf(std::vector<double> targets, std::vector<double> scores,
                std::vector<double> baseline) {
  ScoredSet set{.rows = {}, .scores = std::move(scores), .baseline = std::move(baseline)};
  for (const double target : targets) {
    set.rows.targets.push_back(target);
    set.rows.decoder_params.push_back(100);
    set.rows.total_params.push_back(100.0 * static_cast<double>(1 << set.rows.size()));
  }
  return set;
}

TEST(PoolPairs, CountsTheRightOnesOfAllSetsWithoutComparingAcrossThem) {
  // 3 of 3 right; 1 of 3 right, and one of the three ties in its scores. The second set's targets
  // are all above the first's, its scores below: no pair of the two is asked.
  const std::vector<ScoredSet> sets = {
      SetOf({1, 2, 3}, {10, 20, 30}, {3, 2, 1}),
      SetOf({7, 8, 9}, {2, 1, 2}, {5, 5, 5}),
  };
  const PooledPairs pooled = PoolPairs(sets, Budget::kDecoder, kOptions);
  EXPECT_EQ(pooled.pairs, 6);
  EXPECT_DOUBLE_EQ(*pooled.accuracy.value, (3 + 0 + 1 + 0.5) / 6);
  EXPECT_DOUBLE_EQ(*pooled.baseline.value, (0 + 3 * 0.5) / 6);
  EXPECT_DOUBLE_EQ(*pooled.gain.value, 3.0 / 6);
  EXPECT_LE(pooled.accuracy.interval->low, *pooled.accuracy.value);
  EXPECT_GE(pooled.accuracy.interval->high, *pooled.accuracy.value);
}

TEST(PoolPairs, WithoutPairsNothingIsSaid) {
  const std::vector<ScoredSet> sets = {SetOf({1, 2}, {1, 2}, {1, 2})};
  const PooledPairs pooled = PoolPairs(sets, Budget::kTotal, kOptions);
  EXPECT_EQ(pooled.pairs, 0);
  EXPECT_FALSE(pooled.accuracy.value);
  EXPECT_FALSE(PoolPairs({}, Budget::kTotal, kOptions).gain.value);
}

// One set alone is what Rank() says of it, intervals included: they have the same resamples.
TEST(PoolPairs, OfOneSetIsItsRanking) {
  SplitMix64 random(3);
  ScoredSet set;
  for (int i = 0; i < 12; ++i) {
    set.rows.targets.push_back(random.NextUnit());
    set.rows.decoder_params.push_back(100 + 20 * random.NextUnit());
    set.rows.total_params.push_back(100 + 30 * random.NextUnit());
    set.scores.push_back(set.rows.targets.back() + random.NextUnit());
    set.baseline.push_back(static_cast<double>(random.NextBelow(3)));
  }
  const Ranking ranking = Rank(set.rows, set.scores, set.baseline, kOptions);
  const PooledPairs decoder = PoolPairs({&set, 1}, Budget::kDecoder, kOptions);
  EXPECT_NEAR(*decoder.accuracy.value, *ranking.iso_decoder.value, 1e-12);
  EXPECT_NEAR(decoder.accuracy.interval->low, ranking.iso_decoder.interval->low, 1e-12);
  EXPECT_NEAR(decoder.gain.interval->high, ranking.iso_decoder_gain.interval->high, 1e-12);
  const PooledPairs total = PoolPairs({&set, 1}, Budget::kTotal, kOptions);
  EXPECT_NEAR(total.accuracy.interval->high, ranking.iso_total.interval->high, 1e-12);
  EXPECT_NEAR(*total.gain.value, *ranking.iso_total_gain.value, 1e-12);
}

// Rows are drawn within their set: no resample lacks one, so that sets whose pairs are all right
// leave no doubt.
TEST(PoolPairs, ResamplesWithinSets) {
  std::vector<ScoredSet> sets;
  for (int s = 0; s < 5; ++s) sets.push_back(SetOf({1, 2, 3}, {1, 2, 3}, {2, 2, 2}));
  const PooledPairs pooled = PoolPairs(sets, Budget::kDecoder, kOptions);
  EXPECT_EQ(pooled.pairs, 15);
  EXPECT_EQ(pooled.accuracy.interval, (Interval{1, 1}));
  EXPECT_EQ(pooled.gain.interval, (Interval{0.5, 0.5}));
}

}  // namespace
}  // namespace deepthin::explorer

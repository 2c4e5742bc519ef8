// Figures of a ranking: by hand, and by properties.
#include "explorer/accuracy/ranking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "spec/random.h"

namespace deepthin::explorer {
namespace {

using Values = std::vector<double>;

TEST(CountPairs, ByHand) {
  const Values targets = {1, 2, 3, 3};
  const Values budgets = {100, 110, 112, 200};
  // 100-110 and 110-112 are of one budget; 100-112 is 12 % apart, and 200 alone.
  EXPECT_EQ(CountPairs(targets, targets, budgets), (PairCount{.pairs = 2, .right = 2}));
  EXPECT_EQ(CountPairs(Values{2, 1, 3, 0}, targets, budgets), (PairCount{2, 1}));
  EXPECT_EQ(CountPairs(Values{3, 2, 1, 0}, targets, budgets), (PairCount{2, 0}));
}

TEST(CountPairs, AScoreThatTiesIsACoinAndATargetThatTiesIsNoQuestion) {
  const Values budgets = {100, 100, 100};
  EXPECT_EQ(CountPairs(Values{7, 7, 7}, Values{1, 2, 3}, budgets), (PairCount{3, 1.5}));
  EXPECT_EQ(CountPairs(Values{1, 2, 3}, Values{1, 1, 2}, budgets), (PairCount{2, 2}));
  EXPECT_FALSE(CountPairs(Values{1, 2}, Values{5, 5}, Values{1, 1}).accuracy());
}

TEST(CountPairs, TheBudgetIsTenPercentOfTheSmaller) {
  const Values targets = {1, 2};
  EXPECT_EQ(CountPairs(targets, targets, Values{1000, 1099}).pairs, 1);
  EXPECT_EQ(CountPairs(targets, targets, Values{1099, 1000}).pairs, 1);
  EXPECT_EQ(CountPairs(targets, targets, Values{1000, 1101}).pairs, 0);
}

// Of two rows the resampled mean is 0, 1/2 or 1 with probabilities 1/4, 1/2 and 1/4.
TEST(Bootstrap, PercentilesByHand) {
  const Values values = {0, 1};
  const auto mean = [&](std::span<const size_t> sample, std::span<std::optional<double>> out) {
    double sum = 0;
    for (const size_t i : sample) sum += values[i];
    out[0] = sum / static_cast<double>(sample.size());
  };
  const auto wide = Bootstrap(2, 1, mean, {.resamples = 4'000, .share = 0.90, .seed = 3});
  EXPECT_EQ(wide[0].value, 0.5);
  EXPECT_EQ(wide[0].interval, (Interval{0, 1}));
  const auto narrow = Bootstrap(2, 1, mean, {.resamples = 4'000, .share = 0.40, .seed = 3});
  EXPECT_EQ(narrow[0].interval, (Interval{0.5, 0.5}));
}

// The interval of a mean of n draws is about 1.645 standard errors wide on each side.
TEST(Bootstrap, AMeansIntervalIsAsWideAsItsStandardError) {
  SplitMix64 random(5);
  Values values(400);
  for (double& x : values) x = random.NextUnit();
  const auto mean = [&](std::span<const size_t> sample, std::span<std::optional<double>> out) {
    double sum = 0;
    for (const size_t i : sample) sum += values[i];
    out[0] = sum / static_cast<double>(sample.size());
  };
  const auto figures = Bootstrap(values.size(), 1, mean, {});
  const double standard_error = std::sqrt(1.0 / 12 / 400);
  const double width = figures[0].interval->high - figures[0].interval->low;
  EXPECT_NEAR(width, 2 * kNinetyPercent * standard_error, 0.1 * width);
}

TEST(Bootstrap, WhatFewResamplesDefineHasNoInterval) {
  const auto rarely = [](std::span<const size_t> sample, std::span<std::optional<double>> out) {
    bool is_whole = true;
    for (size_t i = 0; i < sample.size(); ++i) is_whole = is_whole && sample[i] == i;
    if (is_whole) out[0] = 1;
    out[1] = 2;
  };
  const auto figures = Bootstrap(5, 3, rarely, {.resamples = 200});
  EXPECT_EQ(figures[0].value, 1);
  EXPECT_FALSE(figures[0].interval);
  EXPECT_EQ(figures[1].interval, (Interval{2, 2}));
  EXPECT_FALSE(figures[2].value);
}

RankedRows SomeRows(size_t n, uint64_t seed) {
  SplitMix64 random(seed);
  RankedRows rows;
  for (size_t i = 0; i < n; ++i) {
    rows.targets.push_back(static_cast<double>(i));
    rows.decoder_params.push_back(100 + 30 * random.NextUnit());
    rows.total_params.push_back(200 + 30 * random.NextUnit());
  }
  return rows;
}

TEST(Rank, APerfectProxyAndItsReverse) {
  const RankedRows rows = SomeRows(12, 1);
  Values reverse = rows.targets;
  for (double& x : reverse) x = -x;
  const Ranking perfect = Rank(rows, rows.targets, reverse, {});
  EXPECT_EQ(perfect.tau.value, 1);
  EXPECT_EQ(perfect.tau.interval, (Interval{1, 1}));
  EXPECT_EQ(perfect.rho.value, 1);
  EXPECT_EQ(perfect.iso_decoder.value, 1);
  EXPECT_EQ(perfect.iso_total.interval, (Interval{1, 1}));
  EXPECT_EQ(perfect.tau_gain.value, 2);
  EXPECT_EQ(perfect.iso_decoder_gain.value, 1);
  EXPECT_EQ(Rank(rows, reverse, rows.targets, {}).tau.value, -1);
}

TEST(Rank, ConstantScoresSayNothingAndConstantTargetsAskNothing) {
  RankedRows rows = SomeRows(8, 2);
  const Values same(8, 4.0);
  const Ranking silent = Rank(rows, same, same, {});
  EXPECT_EQ(silent.tau.value, 0);
  EXPECT_EQ(silent.iso_total.value, 0.5);
  rows.targets = same;
  const Ranking unasked = Rank(rows, rows.decoder_params, same, {});
  EXPECT_FALSE(unasked.tau.value);
  EXPECT_FALSE(unasked.iso_total.value);
}

TEST(Rank, TheSeedDecidesTheIntervalAndNothingElse) {
  const RankedRows rows = SomeRows(9, 3);
  const Ranking one = Rank(rows, rows.decoder_params, rows.total_params, {.seed = 1});
  EXPECT_EQ(Rank(rows, rows.decoder_params, rows.total_params, {.seed = 1}), one);
  const Ranking two = Rank(rows, rows.decoder_params, rows.total_params, {.seed = 2});
  EXPECT_EQ(two.tau.value, one.tau.value);
  EXPECT_NE(two.tau.interval, one.tau.interval);
}

TEST(Rank, AGainOverItselfIsNothing) {
  const RankedRows rows = SomeRows(9, 4);
  const Ranking ranking = Rank(rows, rows.decoder_params, rows.decoder_params, {});
  EXPECT_EQ(ranking.tau_gain.value, 0);
  EXPECT_EQ(ranking.tau_gain.interval, (Interval{0, 0}));
}

TEST(Rank, NoRowsNoFigures) { EXPECT_EQ(Rank({}, {}, {}, {}), Ranking{}); }

}  // namespace
}  // namespace deepthin::explorer

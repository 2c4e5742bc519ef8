#include "spec/robust_stats.h"

#include <gtest/gtest.h>

#include <vector>

namespace deepthin {
namespace {

using Samples = std::vector<double>;

TEST(RobustStatsTest, MedianOfOddEvenAndOne) {
  EXPECT_EQ(Median(Samples{7}), 7);
  EXPECT_EQ(Median(Samples{9, 1, 5}), 5);
  EXPECT_EQ(Median(Samples{4, 1, 3, 2}), 2.5);
}

TEST(RobustStatsTest, MadIsNotScaledAndIgnoresAnOutlier) {
  EXPECT_EQ(Mad(Samples{3}), 0);
  EXPECT_EQ(Mad(Samples{1, 2, 3, 4, 5}), 1);
  EXPECT_EQ(Mad(Samples{1, 2, 3, 4, 1e9}), 1);
  EXPECT_EQ(Mad(Samples{1, 1, 2, 2, 4, 6, 9}), 1);  // the textbook's example
}

TEST(RobustStatsTest, QuantileIsTheSampleOfTheNearestRank) {
  Samples to_20;
  for (int i = 20; i >= 1; --i) to_20.push_back(i);
  EXPECT_EQ(Quantile(to_20, 0.95), 19);
  EXPECT_EQ(Quantile(to_20, 0.951), 20);
  EXPECT_EQ(Quantile(to_20, 0.5), 10);
  EXPECT_EQ(Quantile(to_20, 0.05), 1);
  EXPECT_EQ(Quantile(to_20, 1e-12), 1);
  EXPECT_EQ(Quantile(to_20, 1), 20);
  EXPECT_EQ(Quantile(Samples{7}, 0.95), 7);
}

TEST(RobustStatsDeathTest, NothingHasNoMedian) {
  EXPECT_DEATH(static_cast<void>(Median(Samples{})), "does not hold");
  EXPECT_DEATH(static_cast<void>(Quantile(Samples{}, 0.5)), "does not hold");
  EXPECT_DEATH(static_cast<void>(Quantile(Samples{1}, 0)), "does not hold");
  EXPECT_DEATH(static_cast<void>(Quantile(Samples{1}, 1.1)), "does not hold");
}

}  // namespace
}  // namespace deepthin

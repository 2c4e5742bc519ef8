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

TEST(RobustStatsDeathTest, NothingHasNoMedian) {
  EXPECT_DEATH(static_cast<void>(Median(Samples{})), "does not hold");
}

}  // namespace
}  // namespace deepthin

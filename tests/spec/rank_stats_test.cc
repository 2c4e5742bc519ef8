// Rank correlations by closed forms, by hand and against their definitions.
#include "spec/rank_stats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "spec/random.h"

namespace deepthin {
namespace {

using Values = std::vector<double>;

TEST(KendallTau, ClosedForms) {
  const Values up = {1, 2, 3, 4};
  EXPECT_DOUBLE_EQ(KendallTau(up, up), 1);
  EXPECT_DOUBLE_EQ(KendallTau(up, Values{4, 3, 2, 1}), -1);
  EXPECT_DOUBLE_EQ(KendallTau(up, Values{1, 3, 2, 4}), 4.0 / 6);
  EXPECT_DOUBLE_EQ(KendallTau(up, Values{1, 1, 1, 1}), 0);
}

// 5 pairs untied in b of 6 in a; 4 concordant, 1 discordant: 3 / sqrt(30).
TEST(KendallTau, TiesByHand) {
  EXPECT_DOUBLE_EQ(KendallTau(Values{1, 2, 3, 4}, Values{1, 3, 2, 3}), 3 / std::sqrt(30.0));
}

TEST(SpearmanRho, ClosedForms) {
  const Values up = {1, 2, 3, 4};
  EXPECT_DOUBLE_EQ(SpearmanRho(up, Values{10, 20, 300, 4000}), 1);
  EXPECT_DOUBLE_EQ(SpearmanRho(up, Values{4, 3, 2, 1}), -1);
  EXPECT_DOUBLE_EQ(SpearmanRho(up, Values{7, 7, 7, 7}), 0);
  // Without ties 1 - 6 sum d^2 / (n (n^2 - 1)): one swap of neighbours has sum d^2 = 2.
  EXPECT_DOUBLE_EQ(SpearmanRho(up, Values{1, 3, 2, 4}), 1 - 6 * 2.0 / 60);
}

// Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 x 5).
TEST(SpearmanRho, TiesHaveTheMeanOfTheirRanks) {
  EXPECT_DOUBLE_EQ(SpearmanRho(Values{1, 5, 5, 9}, Values{1, 2, 3, 4}), 4.5 / std::sqrt(22.5));
}

// tau-b as a correlation of signs over ordered pairs, the definition that knows no special case for
// ties.
double TauOfSigns(const Values& a, const Values& b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < a.size(); ++j) {
      const double x = (a[i] > a[j]) - (a[i] < a[j]);
      const double y = (b[i] > b[j]) - (b[i] < b[j]);
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
  }
  return aa == 0 || bb == 0 ? 0 : ab / std::sqrt(aa * bb);
}

// A rank as the number of smaller values, and half of the equal ones.
double RhoOfCounts(const Values& a, const Values& b) {
  const auto rank = [](const Values& values, double value) {
    double below = 0;
    for (const double other : values) below += other < value ? 1 : (other == value ? 0.5 : 0);
    return below - 0.5 * static_cast<double>(values.size());
  };
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += rank(a, a[i]) * rank(b, b[i]);
    aa += rank(a, a[i]) * rank(a, a[i]);
    bb += rank(b, b[i]) * rank(b, b[i]);
  }
  return aa == 0 || bb == 0 ? 0 : ab / std::sqrt(aa * bb);
}

TEST(RankStats, AgreeWithTheirDefinitions) {
  SplitMix64 random(11);
  for (int round = 0; round < 300; ++round) {
    const int64_t n = random.NextBelow(9);
    Values a;
    Values b;
    for (int64_t i = 0; i < n; ++i) {
      a.push_back(static_cast<double>(random.NextBelow(6)));  // with ties
      b.push_back(static_cast<double>(random.NextBelow(6)));
    }
    EXPECT_NEAR(KendallTau(a, b), TauOfSigns(a, b), 1e-12);
    EXPECT_NEAR(SpearmanRho(a, b), RhoOfCounts(a, b), 1e-12);
    EXPECT_EQ(KendallTau(a, b), KendallTau(b, a));
  }
}

}  // namespace
}  // namespace deepthin

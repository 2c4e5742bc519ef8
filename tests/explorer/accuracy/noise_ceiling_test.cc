// Evaluation errors, and what they leave a perfect proxy.
#include "explorer/accuracy/noise_ceiling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace deepthin::explorer {
namespace {

using Values = std::vector<double>;

TEST(BinomialStandardError, ClosedForms) {
  EXPECT_DOUBLE_EQ(BinomialStandardError(50, 100), 5);
  EXPECT_DOUBLE_EQ(BinomialStandardError(20, 400), 2);
  EXPECT_EQ(BinomialStandardError(0, 10), 0);
  EXPECT_EQ(BinomialStandardError(100, 10), 0);
}

TEST(StandardErrorOfMean, OfEqualErrorsFallsWithTheRoot) {
  EXPECT_DOUBLE_EQ(StandardErrorOfMean(Values{3, 3, 3, 3}), 1.5);
  EXPECT_DOUBLE_EQ(StandardErrorOfMean(Values{3, 4}), 2.5);
}

RankedRows Rows(const Values& targets) {
  RankedRows rows;
  rows.targets = targets;
  rows.decoder_params.assign(targets.size(), 100);
  rows.total_params.assign(targets.size(), 100);
  return rows;
}

TEST(CeilingOf, WithoutErrorsIsOne) {
  const NoiseCeiling ceiling = CeilingOf(Rows({1, 2, 5, 9}), Values(4, 0.0), {});
  EXPECT_EQ(ceiling.tau.value, 1);
  EXPECT_EQ(ceiling.tau.interval, (Interval{1, 1}));
  EXPECT_EQ(ceiling.iso_decoder.value, 1);
}

// Two rows, d apart: the true ones are k d apart with k^2 = 1 - 2 s^2 / d^2, and are observed in
// order with probability Phi(k d / (s sqrt 2)).
TEST(CeilingOf, TwoRowsInClosedForm) {
  for (const double s : {0.2, 0.5, 0.6}) {
    const double d = 1;
    const double k = std::sqrt(1 - 2 * s * s / (d * d));
    const double in_order = 0.5 * std::erfc(-k * d / (s * 2));
    const NoiseCeiling ceiling = CeilingOf(Rows({3, 3 + d}), Values{s, s}, {.resamples = 40'000});
    EXPECT_NEAR(*ceiling.tau.value, 2 * in_order - 1, 0.015) << s;
    EXPECT_NEAR(*ceiling.iso_total.value, in_order, 0.008) << s;
  }
}

TEST(CeilingOf, ErrorsThatExplainAllLeaveACoin) {
  const NoiseCeiling ceiling = CeilingOf(Rows({1, 2, 3}), Values(3, 50.0), {});
  EXPECT_EQ(ceiling.tau.value, 0);
  EXPECT_EQ(ceiling.iso_total.value, 0.5);
}

TEST(CeilingOf, FallsAsErrorsGrow) {
  const RankedRows rows = Rows({1, 2, 3, 4, 5, 6, 7, 8});
  double last = 1;
  for (const double s : {0.2, 0.5, 1.0, 1.5}) {
    const double tau = *CeilingOf(rows, Values(8, s), {}).tau.value;
    EXPECT_LT(tau, last) << s;
    last = tau;
  }
}

TEST(CeilingOf, OfOneRowIsUndefined) {
  EXPECT_EQ(CeilingOf(Rows({1}), Values{1}, {}), NoiseCeiling{});
}

}  // namespace
}  // namespace deepthin::explorer

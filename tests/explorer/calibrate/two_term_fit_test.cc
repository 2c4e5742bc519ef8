#include "explorer/calibrate/two_term_fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace deepthin::calibrate {
namespace {

TEST(FitRelative, RecoversCoefficientsOfVeryDifferentSize) {
  const std::vector<Features> features = {{2.5e8, 30}, {2.5e8, 60}, {4.6e8, 60}};
  std::vector<double> targets;
  for (const Features& f : features) targets.push_back(f[0] / 16.4e9 + f[1] * 13e-6);
  const Coefficients x = FitRelative(features, targets);
  EXPECT_NEAR(1 / x[0], 16.4e9, 1);
  EXPECT_NEAR(x[1], 13e-6, 1e-14);
}

// Relative, not absolute: in one unknown (the other column decides nothing here) the minimum of
// sum ((f x - t) / t)^2 is sum(f / t) / sum((f / t)^2).
TEST(FitRelative, WeighsRowsByTheirOwnSize) {
  const std::vector<Features> features = {{1, 0}, {10, 0}, {0, 1}};
  const std::vector<double> targets = {1, 20, 5};
  const double expected = (1.0 + 0.5) / (1.0 + 0.25);
  const Coefficients x = FitRelative(features, targets);
  EXPECT_NEAR(x[0], expected, 1e-12);
  EXPECT_NEAR(x[1], 5, 1e-12);
}

TEST(FitRelative, GaussNewtonFindsWhatTheLinearFormFindsAcrossAKink) {
  const std::vector<Features> features = {{2, 3}, {5, 1}, {7, 9}};
  const Coefficients truth = {0.3, 0.7};
  // A floor under one term, as a roofline has.
  const Predictor predict = [&](const Coefficients& x, size_t row) {
    return std::max(features[row][0] * x[0], 0.1) + features[row][1] * x[1];
  };
  std::vector<double> targets;
  for (size_t i = 0; i < features.size(); ++i) targets.push_back(predict(truth, i));
  const Coefficients x = FitRelative(predict, targets, {1.0, 0.1});
  EXPECT_NEAR(x[0], truth[0], 1e-9);
  EXPECT_NEAR(x[1], truth[1], 1e-9);
}

}  // namespace
}  // namespace deepthin::calibrate

// Power laws are found again, and nothing else is taken for one.
#include "explorer/accuracy/learning_curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace deepthin::explorer {
namespace {

std::vector<LossAtStep> PointsOf(const PowerLaw& law, double noise = 0) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  std::vector<LossAtStep> points;
  for (double step = 50; step <= 500; step += 25) {
    points.push_back({step, law.At(step) + noise * normal(random)});
  }
  return points;
}

TEST(FitPowerLaw, FindsOneAgain) {
  for (const double exponent : {0.05, 0.3, 1.0, 2.5}) {
    const PowerLaw law = {.limit = 1.7, .scale = 30, .exponent = exponent};
    const auto fitted = FitPowerLaw(PointsOf(law));
    ASSERT_TRUE(fitted.has_value());
    EXPECT_NEAR(fitted->At(1000), law.At(1000), 1e-6) << exponent;
    EXPECT_NEAR(fitted->exponent, exponent, 1e-3);
    EXPECT_NEAR(fitted->limit, law.limit, 1e-2);
  }
}

// An error of 0.005 at each point, as validation losses have, is about as much twice as far.
TEST(FitPowerLaw, NoiseMovesItLittle) {
  const PowerLaw law = {.limit = 1.7, .scale = 12, .exponent = 0.5};
  EXPECT_NEAR(FitPowerLaw(PointsOf(law, 0.005))->At(1000), law.At(1000), 0.03);
}

TEST(FitPowerLaw, LimitsAreNotBelowZero) {
  std::vector<LossAtStep> line;  // falls ever faster than any power of the step
  for (double step = 1; step <= 10; ++step) line.push_back({step, 10 - step});
  const auto fitted = FitPowerLaw(line);
  ASSERT_TRUE(fitted.has_value());
  EXPECT_GE(fitted->limit, 0);
  EXPECT_GT(fitted->At(100), 0);
}

// In other units of loss or step it is the same curve.
TEST(FitPowerLaw, UnitsDoNotMatter) {
  const auto points = PointsOf({.limit = 1, .scale = 9, .exponent = 0.4}, 0.01);
  std::vector<LossAtStep> other;
  for (const LossAtStep& p : points) other.push_back({p.step * 1000, p.loss * 3});
  EXPECT_NEAR(FitPowerLaw(other)->At(900'000), 3 * FitPowerLaw(points)->At(900), 1e-6);
}

TEST(FitPowerLaw, RefusesWhatDoesNotFall) {
  const std::vector<LossAtStep> few = {{1, 3}, {2, 2}, {3, 1.5}};
  EXPECT_FALSE(FitPowerLaw(few).has_value());
  EXPECT_FALSE(FitPowerLaw({}).has_value());
  const std::vector<LossAtStep> flat = {{1, 3}, {2, 3}, {3, 3}, {4, 3}};
  EXPECT_FALSE(FitPowerLaw(flat).has_value());
  const std::vector<LossAtStep> rising = {{1, 1}, {2, 2}, {3, 3}, {4, 4}};
  EXPECT_FALSE(FitPowerLaw(rising).has_value());
  const std::vector<LossAtStep> one_step = {{5, 1}, {5, 2}, {5, 3}, {5, 4}};
  EXPECT_FALSE(FitPowerLaw(one_step).has_value());
}

}  // namespace
}  // namespace deepthin::explorer

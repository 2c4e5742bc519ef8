// The regression against the definition of its evidence, closed forms and data whose weights are
// known.
#include "explorer/accuracy/bayesian_ridge.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "spec/random.h"

namespace deepthin::explorer {
namespace {

double NearlyNormal(SplitMix64& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.NextUnit();
  return sum;
}

RidgeData RandomData(Eigen::Index rows, Eigen::Index columns, uint64_t seed) {
  SplitMix64 random(seed);
  RidgeData data;
  data.features.resize(rows, columns);
  data.targets.resize(rows);
  data.known.resize(rows);
  for (Eigen::Index i = 0; i < rows; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j) data.features(i, j) = NearlyNormal(random);
    data.targets[i] = NearlyNormal(random);
    data.known[i] = random.NextUnit();
  }
  for (Eigen::Index j = 0; j < columns; ++j) data.group.push_back(static_cast<size_t>(j % 2));
  return data;
}

// ln N(targets; 0, C) with C = noise + features prior features': the weights integrated out.
double DenseEvidence(const RidgeData& data, const RidgeVariances& variances) {
  Eigen::VectorXd prior(data.features.cols());
  for (Eigen::Index j = 0; j < prior.size(); ++j) {
    prior[j] = variances.prior[data.group[static_cast<size_t>(j)]];
  }
  Eigen::MatrixXd c = data.features * prior.asDiagonal() * data.features.transpose();
  c.diagonal() += data.known + Eigen::VectorXd::Constant(data.known.size(), variances.noise);
  const double n = static_cast<double>(data.targets.size());
  return -0.5 * (data.targets.dot(c.inverse() * data.targets) + std::log(c.determinant()) +
                 n * std::log(2 * std::numbers::pi));
}

TEST(LogEvidence, IsTheDensityOfTheTargets) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const RidgeData data = RandomData(3 + static_cast<Eigen::Index>(seed % 5),
                                      2 + static_cast<Eigen::Index>(seed % 7), seed);
    const RidgeVariances variances{.noise = 0.1 * static_cast<double>(seed), .prior = {0.7, 2.5}};
    EXPECT_NEAR(LogEvidence(data, variances), DenseEvidence(data, variances), 1e-9) << seed;
  }
}

// One weight: precision 1 / prior + sum x^2 / noise.
TEST(PosteriorOf, OneWeightInClosedForm) {
  RidgeData data;
  data.features = Eigen::MatrixXd::Constant(4, 1, 2.0);
  data.targets = Eigen::VectorXd::Constant(4, 6.0);
  data.known = Eigen::VectorXd::Constant(4, 1.0);
  data.group = {0};
  const RidgePosterior posterior = PosteriorOf(data, {.noise = 3, .prior = {0.5}});
  const double precision = 1 / 0.5 + 4 * 4.0 / 4;
  EXPECT_DOUBLE_EQ(posterior.mean[0], (4 * 2 * 6.0 / 4) / precision);
  EXPECT_DOUBLE_EQ(posterior.covariance(0, 0), 1 / precision);
  const Eigen::VectorXd x = Eigen::VectorXd::Constant(1, 3.0);
  EXPECT_DOUBLE_EQ(posterior.PredictedVariance(x), 9 / precision);
}

TEST(FitRidge, NoOtherVariancesHaveMoreEvidence) {
  const RidgeData data = RandomData(30, 4, 9);
  const RidgePosterior fit = FitRidge(data, {.noise = 1, .prior = {100, 1}}, 0, 1);
  EXPECT_EQ(fit.variances.prior[0], 100);
  EXPECT_NEAR(fit.log_evidence, LogEvidence(data, fit.variances), 1e-12);
  for (double noise = -18; noise <= 8; noise += 0.5) {
    for (double prior = -18; prior <= 8; prior += 0.5) {
      const RidgeVariances other{.noise = std::exp2(noise), .prior = {100, std::exp2(prior)}};
      EXPECT_LE(LogEvidence(data, other), fit.log_evidence + 1e-3) << noise << ' ' << prior;
    }
  }
}

TEST(FitRidge, FindsTheNoiseAndLeavesOutWhatIsNotThere) {
  RidgeData data = RandomData(400, 4, 17);
  SplitMix64 random(3);
  data.known.setZero();
  data.group = {0, 1, 1, 2};  // the last has no part in the targets
  for (Eigen::Index i = 0; i < 400; ++i) {
    data.targets[i] = 5 * data.features(i, 0) + 2 * data.features(i, 1) - 3 * data.features(i, 2) +
                      0.5 * NearlyNormal(random);
  }
  const RidgePosterior fit = FitRidge(data, {.noise = 1, .prior = {1e3, 1, 1}}, 0, 10);
  EXPECT_NEAR(std::sqrt(fit.variances.noise), 0.5, 0.05);
  EXPECT_NEAR(fit.mean[1], 2, 0.1);
  EXPECT_NEAR(fit.mean[2], -3, 0.1);
  EXPECT_NEAR(fit.mean[3], 0, 0.1);
  EXPECT_LT(fit.variances.prior[2], 0.1 * fit.variances.prior[1]);
}

TEST(FitRidge, KnownErrorsAreNotCountedAsNoiseAgain) {
  RidgeData data = RandomData(400, 2, 23);
  SplitMix64 random(4);
  data.known.setConstant(0.25);
  for (Eigen::Index i = 0; i < 400; ++i) {
    data.targets[i] = data.features(i, 0) + data.features(i, 1) + 0.5 * NearlyNormal(random);
  }
  const RidgePosterior fit = FitRidge(data, {.noise = 1, .prior = {1e3, 1}}, 0, 1);
  EXPECT_LT(fit.variances.noise, 0.05);
}

}  // namespace
}  // namespace deepthin::explorer

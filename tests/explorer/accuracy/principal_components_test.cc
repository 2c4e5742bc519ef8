// Principal components against the eigenvalues of the covariance itself.
#include "explorer/accuracy/principal_components.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <random>
#include <vector>

namespace deepthin::explorer {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix Random(int rows, int cols, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Matrix m(rows, cols);
  for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = normal(random);
  return m;
}

runtime::MatrixView<const float> View(const Matrix& m) {
  return runtime::Dense<const float>(m.data(), m.rows(), m.cols());
}

// Of H = X W^T, with the variances that follow from X's covariance, by H's covariance.
void ExpectVariances(std::vector<double> ours, const Matrix& x, const Matrix& w) {
  std::sort(ours.begin(), ours.end(), std::greater<>());

  const Eigen::MatrixXd h = x.cast<double>() * w.cast<double>().transpose();
  const Eigen::MatrixXd h_centred = h.rowwise() - h.colwise().mean();
  const Eigen::MatrixXd covariance = h_centred.transpose() * h_centred;
  Eigen::VectorXd expected =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(covariance).eigenvalues().reverse();
  const auto n = std::max<size_t>(ours.size(), static_cast<size_t>(expected.size()));
  for (size_t i = 0; i < n; ++i) {
    const double here = i < ours.size() ? ours[i] : 0;
    const auto at = static_cast<Eigen::Index>(i);
    const double there = at < expected.size() ? expected[at] : 0;
    EXPECT_NEAR(here, there, 2e-5 * expected[0]) << i;
  }
}

void ExpectSameVariances(const Matrix& x, const Matrix& w) {
  const Matrix centred = x.rowwise() - x.colwise().mean();
  const Matrix s = centred.transpose() * centred;
  const Matrix a = w.transpose() * w;
  ExpectVariances(OutputVariances(View(s), View(w)), x, w);
  if (w.rows() >= w.cols()) ExpectVariances(OutputVariancesFromMoments(View(s), View(a)), x, w);
}

TEST(OutputVariances, AreTheEigenvaluesOfTheCovariance) {
  ExpectSameVariances(Random(50, 8, 1), Random(20, 8, 2));   // more outputs than inputs
  ExpectSameVariances(Random(50, 20, 3), Random(7, 20, 4));  // fewer
  ExpectSameVariances(Random(50, 12, 3), Random(12, 12, 4));
  ExpectSameVariances(Random(5, 12, 5), Random(30, 12, 6));  // fewer rows than inputs
  ExpectSameVariances(Random(40, 3, 7) * Random(3, 12, 8), Random(30, 12, 9));  // rank 3
}

TEST(ComponentsFor, TakesTheLargestFirst) {
  const std::vector<double> variances = {1, 6, 0, 3};
  EXPECT_EQ(ComponentsFor(0.59, variances), 1);
  EXPECT_EQ(ComponentsFor(0.6, variances), 1);
  EXPECT_EQ(ComponentsFor(0.61, variances), 2);
  EXPECT_EQ(ComponentsFor(0.9, variances), 2);
  EXPECT_EQ(ComponentsFor(0.99, variances), 3);
  EXPECT_EQ(ComponentsFor(1, variances), 3);
}

TEST(ComponentsFor, WithoutVarianceThereIsNone) {
  EXPECT_EQ(ComponentsFor(0.99, {}), 0);
  EXPECT_EQ(ComponentsFor(0.99, std::vector<double>{0, 0}), 0);
  EXPECT_EQ(ComponentsFor(0.99, std::vector<double>{-1e-9, 0}), 0);
  EXPECT_EQ(ComponentsFor(1, std::vector<double>{2, -1e-9}), 1);
}

}  // namespace
}  // namespace deepthin::explorer

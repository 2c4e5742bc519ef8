#include "explorer/accuracy/principal_components.h"

#include <Eigen/Dense>
#include <algorithm>
#include <functional>

namespace deepthin::explorer {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::MatrixXd Copy(runtime::MatrixView<const float> m) {
  return Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>(m.data, m.rows, m.cols,
                                                             Eigen::OuterStride<>(m.stride))
      .cast<double>();
}

// F with F F^T = a; a pivot below 0 is rounding.
Eigen::MatrixXd Factor(runtime::MatrixView<const float> a) {
  const Eigen::LDLT<Eigen::MatrixXd> ldlt(Copy(a));
  const Eigen::VectorXd roots = ldlt.vectorD().cwiseMax(0).cwiseSqrt();
  const Eigen::MatrixXd lower = ldlt.matrixL();
  return ldlt.transpositionsP().transpose() * (lower * roots.asDiagonal());
}

std::vector<double> Eigenvalues(const Eigen::MatrixXd& symmetric) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(symmetric, Eigen::EigenvaluesOnly);
  const Eigen::VectorXd& values = solver.eigenvalues();
  return {values.data(), values.data() + values.size()};
}

}  // namespace

int64_t ComponentsFor(double eta, std::span<const double> variances) {
  std::vector<double> sorted(variances.begin(), variances.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double total = 0;
  for (const double variance : sorted) total += std::max(variance, 0.0);
  if (!(total > 0)) return 0;
  double held = 0;
  int64_t taken = 0;
  for (const double variance : sorted) {
    if (held >= eta * total) break;
    held += std::max(variance, 0.0);
    ++taken;
  }
  return taken;
}

std::vector<double> OutputVariances(runtime::MatrixView<const float> s,
                                    runtime::MatrixView<const float> w) {
  const Eigen::MatrixXd weights = Copy(w);
  return Eigenvalues(weights * Copy(s) * weights.transpose());
}

std::vector<double> OutputVariancesFromMoments(runtime::MatrixView<const float> s,
                                               runtime::MatrixView<const float> a) {
  const Eigen::MatrixXd factor = Factor(a);
  return Eigenvalues(factor.transpose() * Copy(s) * factor);
}

}  // namespace deepthin::explorer

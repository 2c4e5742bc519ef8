#include "explorer/accuracy/principal_components.h"

#include <Eigen/Dense>
#include <algorithm>
#include <functional>
#include <limits>

namespace deepthin::explorer {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::MatrixXd Copy(runtime::MatrixView<const float> m) {
  return Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>(m.data, m.rows, m.cols,
                                                             Eigen::OuterStride<>(m.stride))
      .cast<double>();
}

// F with F F^T = a, of a matrix that may be singular: pivots, which come with the largest first,
// that are no more than rounding of the f32 sums in it are taken for 0.
Eigen::MatrixXd Factor(runtime::MatrixView<const float> a) {
  const Eigen::LDLT<Eigen::MatrixXd> ldlt(Copy(a));
  const Eigen::VectorXd pivots = ldlt.vectorD();
  const double rounding = static_cast<double>(a.rows) *
                          static_cast<double>(std::numeric_limits<float>::epsilon()) *
                          pivots.cwiseAbs().maxCoeff();
  const Eigen::VectorXd roots =
      (pivots.array() > rounding).select(pivots.cwiseMax(0).cwiseSqrt(), 0.0);
  const Eigen::MatrixXd lower = ldlt.matrixL();
  return ldlt.transpositionsP().transpose() * (lower * roots.asDiagonal());
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
                                    runtime::MatrixView<const float> a) {
  const Eigen::MatrixXd factor = Factor(a);
  const Eigen::MatrixXd product = factor.transpose() * Copy(s) * factor;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(product, Eigen::EigenvaluesOnly);
  const Eigen::VectorXd& values = solver.eigenvalues();
  return {values.data(), values.data() + values.size()};
}

}  // namespace deepthin::explorer

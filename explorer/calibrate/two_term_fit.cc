#include "explorer/calibrate/two_term_fit.h"

#include <Eigen/Dense>
#include <cmath>

namespace deepthin::calibrate {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, 2>;

Eigen::Vector2d Solve(const Matrix& a, const Eigen::VectorXd& b) {
  // The columns differ by ten orders of magnitude: scale them, so that rank is judged fairly.
  const Eigen::Vector2d scale = a.colwise().norm();
  const Matrix scaled = a * scale.cwiseInverse().asDiagonal();
  return scaled.colPivHouseholderQr().solve(b).cwiseQuotient(scale);
}

}  // namespace

Coefficients FitRelative(std::span<const Features> features, std::span<const double> targets) {
  const auto n = static_cast<Eigen::Index>(targets.size());
  Matrix a(n, 2);
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto row = static_cast<size_t>(i);
    a(i, 0) = features[row][0] / targets[row];
    a(i, 1) = features[row][1] / targets[row];
  }
  const Eigen::Vector2d x = Solve(a, Eigen::VectorXd::Ones(n));
  return {x[0], x[1]};
}

Coefficients FitRelative(const Predictor& predict, std::span<const double> targets,
                         const Coefficients& start) {
  constexpr int kMaxSteps = 50;
  constexpr double kStep = 1e-6;        // relative, of the forward differences
  constexpr double kConverged = 1e-12;  // relative, of both coefficients
  const auto n = static_cast<Eigen::Index>(targets.size());
  Coefficients at = start;
  for (int step = 0; step < kMaxSteps; ++step) {
    Matrix jacobian(n, 2);
    Eigen::VectorXd missing(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      const auto row = static_cast<size_t>(i);
      const double here = predict(at, row);
      missing[i] = (targets[row] - here) / targets[row];
      for (size_t k = 0; k < 2; ++k) {
        Coefficients moved = at;
        const double by = kStep * std::abs(start[k]);
        moved[k] += by;
        jacobian(i, static_cast<Eigen::Index>(k)) =
            (predict(moved, row) - here) / by / targets[row];
      }
    }
    const Eigen::Vector2d change = Solve(jacobian, missing);
    bool converged = true;
    for (size_t k = 0; k < 2; ++k) {
      at[k] += change[static_cast<Eigen::Index>(k)];
      converged = converged &&
                  std::abs(change[static_cast<Eigen::Index>(k)]) <= kConverged * std::abs(start[k]);
    }
    if (converged) break;
  }
  return at;
}

}  // namespace deepthin::calibrate

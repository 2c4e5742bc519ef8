// Least squares of relative errors in a few numbers that have lower bounds, not moved by outliers.
// Knows nothing of SoCs.
#pragma once

#include <Eigen/Dense>
#include <functional>
#include <vector>

namespace deepthin::costmodel {

// r(z): an error for each measurement.
using ErrorFunction = std::function<Eigen::VectorXd(const Eigen::VectorXd&)>;

// For each z its start, its lower bound, and the weight w of (w (z - start))^2 beside the squared
// errors: where these say nothing, z stays.
struct FitBounds {
  Eigen::VectorXd start;
  Eigen::VectorXd lower;
  Eigen::VectorXd start_weight;  // positive
};

struct BoundedFitResult {
  Eigen::VectorXd z;
  double loss = 0;           // Huber's losses of the errors, without the weight of the start
  Eigen::MatrixXd jacobian;  // of the errors at z
};

// Minimises the sum of Huber's losses of the errors over z >= lower, from the start on, by
// Levenberg-Marquardt; each step is a non-negative least squares problem, solved by coordinate
// descent. Huber's threshold is 1.345 robust standard deviations (Huber, Robust Statistics, 1981,
// section 7.7), 0.5 % at least.
[[nodiscard]] BoundedFitResult FitBounded(const ErrorFunction& errors, const FitBounds& bounds);

// Derivatives by forward differences, exact where errors are linear between kinks.
[[nodiscard]] Eigen::MatrixXd Jacobian(const ErrorFunction& errors, const Eigen::VectorXd& z);

// True for each column that moves no error, or that takes part in a combination of columns which
// moves none (the null space of the columns at unit length, up to `least`).
[[nodiscard]] std::vector<bool> UndeterminedColumns(const Eigen::MatrixXd& jacobian,
                                                    double least = 0.01);

}  // namespace deepthin::costmodel

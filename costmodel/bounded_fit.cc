#include "costmodel/bounded_fit.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "spec/robust_stats.h"

namespace deepthin::costmodel {
namespace {

double MedianSize(const Eigen::VectorXd& errors) {
  const Eigen::VectorXd sizes = errors.cwiseAbs();
  return Median({sizes.data(), static_cast<size_t>(sizes.size())});
}

double Threshold(const Eigen::VectorXd& errors) {
  constexpr double kNormalConsistency = 1.4826;
  constexpr double kEfficiency95 = 1.345;
  constexpr double kLeast = 0.005;
  return std::max(kLeast, kEfficiency95 * kNormalConsistency * MedianSize(errors));
}

double HuberLoss(const Eigen::VectorXd& errors, double threshold) {
  double loss = 0;
  for (const double error : errors) {
    const double size = std::abs(error);
    loss += size <= threshold ? size * size : threshold * (2 * size - threshold);
  }
  return loss;
}

Eigen::VectorXd HuberWeights(const Eigen::VectorXd& errors, double threshold) {
  return errors.unaryExpr([&](double error) {
    const double size = std::abs(error);
    return size <= threshold ? 1.0 : threshold / size;
  });
}

// Minimises x' A x / 2 - b' x over x >= lower. REQUIRES: A is positive definite.
Eigen::VectorXd SolveBounded(const Eigen::MatrixXd& a, const Eigen::VectorXd& b,
                             const Eigen::VectorXd& lower) {
  constexpr int kMaxSweeps = 2000;
  constexpr double kConverged = 1e-12;
  Eigen::VectorXd x = Eigen::VectorXd::Zero(b.size()).cwiseMax(lower);
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    double largest = 0;
    for (Eigen::Index k = 0; k < b.size(); ++k) {
      const double gradient = a.row(k).dot(x) - b[k];
      const double moved = std::max(lower[k], x[k] - gradient / a(k, k));
      largest = std::max(largest, std::abs(moved - x[k]));
      x[k] = moved;
    }
    if (largest < kConverged) break;
  }
  return x;
}

}  // namespace

Eigen::MatrixXd Jacobian(const ErrorFunction& errors, const Eigen::VectorXd& z) {
  constexpr double kStep = 1e-6;
  const Eigen::VectorXd here = errors(z);
  Eigen::MatrixXd jacobian(here.size(), z.size());
  for (Eigen::Index k = 0; k < z.size(); ++k) {
    Eigen::VectorXd moved = z;
    moved[k] += kStep * std::max(1.0, z[k]);
    jacobian.col(k) = (errors(moved) - here) / (moved[k] - z[k]);
  }
  return jacobian;
}

BoundedFitResult FitBounded(const ErrorFunction& errors, const FitBounds& bounds) {
  constexpr int kMaxSteps = 100;
  constexpr double kMostDamping = 1e6;
  constexpr double kConverged = 1e-9;
  const Eigen::VectorXd& lower = bounds.lower;
  const Eigen::ArrayXd prior = bounds.start_weight.array().square();
  Eigen::VectorXd z = bounds.start;
  Eigen::VectorXd error = errors(z);
  double damping = 1e-3;
  for (int step = 0; step < kMaxSteps && damping < kMostDamping; ++step) {
    const double threshold = Threshold(error);
    const auto objective = [&](const Eigen::VectorXd& at, const Eigen::VectorXd& errors_at) {
      return HuberLoss(errors_at, threshold) + (prior * (at - bounds.start).array().square()).sum();
    };
    const double before = objective(z, error);
    const Eigen::MatrixXd jacobian = Jacobian(errors, z);
    const Eigen::MatrixXd weighted = HuberWeights(error, threshold).asDiagonal() * jacobian;
    Eigen::MatrixXd normal = jacobian.transpose() * weighted;
    normal.diagonal() += prior.matrix();
    const Eigen::VectorXd slope =
        -(weighted.transpose() * error) - (prior * (z - bounds.start).array()).matrix();
    bool improved = false;
    while (damping < kMostDamping) {
      Eigen::MatrixXd damped = normal;
      damped.diagonal() += damping * normal.diagonal();
      const Eigen::VectorXd moved = (z + SolveBounded(damped, slope, lower - z)).cwiseMax(lower);
      const Eigen::VectorXd errors_there = errors(moved);
      const double after = objective(moved, errors_there);
      if (!(after < before)) {
        damping *= 10;
        continue;
      }
      improved = before - after > kConverged * before;
      z = moved;
      error = errors_there;
      damping = std::max(1e-9, damping / 10);
      break;
    }
    if (!improved) break;
  }
  return {.z = z, .loss = HuberLoss(error, Threshold(error)), .jacobian = Jacobian(errors, z)};
}

std::vector<bool> UndeterminedColumns(const Eigen::MatrixXd& jacobian, double least) {
  constexpr double kMovesNothing = 1e-4;
  constexpr double kTakesPart = 0.05;
  const Eigen::Index n = jacobian.cols();
  std::vector<bool> undetermined(static_cast<size_t>(n), false);
  std::vector<Eigen::Index> moving;
  for (Eigen::Index k = 0; k < n; ++k) {
    if (jacobian.col(k).cwiseAbs().maxCoeff() < kMovesNothing) {
      undetermined[static_cast<size_t>(k)] = true;
    } else {
      moving.push_back(k);
    }
  }
  if (moving.empty()) return undetermined;
  const auto count = static_cast<Eigen::Index>(moving.size());
  Eigen::MatrixXd unit(jacobian.rows(), count);
  for (Eigen::Index i = 0; i < count; ++i) {
    unit.col(i) = jacobian.col(moving[static_cast<size_t>(i)]).normalized();
  }
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(unit, Eigen::ComputeFullV);
  const Eigen::VectorXd& values = svd.singularValues();
  for (Eigen::Index direction = 0; direction < count; ++direction) {
    if (direction < values.size() && values[direction] > least * values[0]) continue;
    for (Eigen::Index i = 0; i < count; ++i) {
      if (std::abs(svd.matrixV()(i, direction)) > kTakesPart) {
        undetermined[static_cast<size_t>(moving[static_cast<size_t>(i)])] = true;
      }
    }
  }
  return undetermined;
}

}  // namespace deepthin::costmodel

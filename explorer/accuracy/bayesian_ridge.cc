#include "explorer/accuracy/bayesian_ridge.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

constexpr double kLowest = -20;  // of log2(variance / scale)
constexpr double kHighest = 10;
constexpr double kGridStep = 10;
constexpr int kGridPoints = 4;
constexpr double kLastStep = 0.05;
constexpr double kLeastGain = 1e-9;  // of the log evidence: what rounding cannot feign

// Precision of the weights given the data, and what goes with it.
struct Normal {
  Eigen::LLT<Eigen::MatrixXd> precision;
  Eigen::VectorXd mean;
  double log_evidence = 0;
};

Normal Solve(const RidgeData& data, const RidgeVariances& variances) {
  const Eigen::Index rows = data.features.rows();
  const Eigen::Index columns = data.features.cols();
  Eigen::VectorXd prior(columns);
  for (Eigen::Index j = 0; j < columns; ++j) {
    prior[j] = variances.prior[data.group[static_cast<size_t>(j)]];
  }
  const Eigen::VectorXd noise = data.known.array() + variances.noise;
  const Eigen::MatrixXd weighted = noise.cwiseInverse().asDiagonal() * data.features;
  Eigen::MatrixXd precision = data.features.transpose() * weighted;
  precision.diagonal() += prior.cwiseInverse();

  Normal out;
  out.precision.compute(precision);
  out.mean = out.precision.solve(weighted.transpose() * data.targets);
  // Twice minus the log: the misfit, and the determinants of noise, prior and posterior (Bishop,
  // Pattern Recognition and Machine Learning, 2006, equation 3.86).
  const Eigen::VectorXd residual = data.targets - data.features * out.mean;
  const double misfit = residual.cwiseAbs2().cwiseQuotient(noise).sum() +
                        out.mean.cwiseAbs2().cwiseQuotient(prior).sum();
  const double log_precision = 2 * out.precision.matrixLLT().diagonal().array().log().sum();
  const double logs = noise.array().log().sum() + prior.array().log().sum() + log_precision;
  out.log_evidence =
      -0.5 * (misfit + logs + static_cast<double>(rows) * std::log(2 * std::numbers::pi));
  return out;
}

// The variances that are searched for: the noise, then the priors but the fixed one.
class Search {
 public:
  Search(const RidgeData& data, RidgeVariances start, size_t fixed, double scale)
      : data_(data), scale_(scale), best_(std::move(start)) {
    free_.push_back(&best_.noise);
    for (size_t g = 0; g < best_.prior.size(); ++g) {
      if (g != fixed) free_.push_back(&best_.prior[g]);
    }
    logs_.assign(free_.size(), 0);
    evidence_ = EvidenceAt(logs_);
  }

  [[nodiscard]] RidgeVariances Run() {
    std::vector<double> at(free_.size(), kLowest);
    TryGrid(at, 0);
    double step = 0.5 * kGridStep;
    while (step >= kLastStep) {
      if (!TryNeighbours(step)) step *= 0.5;
    }
    EvidenceAt(logs_);
    return best_;
  }

 private:
  double EvidenceAt(const std::vector<double>& logs) {
    for (size_t i = 0; i < free_.size(); ++i) *free_[i] = scale_ * std::exp2(logs[i]);
    return LogEvidence(data_, best_);
  }

  bool Try(const std::vector<double>& logs) {
    const double evidence = EvidenceAt(logs);
    if (!(evidence > evidence_ + kLeastGain)) return false;
    evidence_ = evidence;
    logs_ = logs;
    return true;
  }

  void TryGrid(std::vector<double>& at, size_t dimension) {
    if (dimension == at.size()) {
      Try(at);
      return;
    }
    for (int i = 0; i < kGridPoints; ++i) {
      at[dimension] = kLowest + i * kGridStep;
      TryGrid(at, dimension + 1);
    }
  }

  bool TryNeighbours(double step) {
    bool is_better = false;
    for (size_t i = 0; i < logs_.size(); ++i) {
      for (const double by : {step, -step}) {
        std::vector<double> moved = logs_;
        moved[i] = std::clamp(moved[i] + by, kLowest, kHighest);
        is_better = Try(moved) || is_better;
      }
    }
    return is_better;
  }

  const RidgeData& data_;
  double scale_;
  RidgeVariances best_;
  std::vector<double*> free_;
  std::vector<double> logs_;
  double evidence_ = 0;
};

}  // namespace

double LogEvidence(const RidgeData& data, const RidgeVariances& variances) {
  return Solve(data, variances).log_evidence;
}

RidgePosterior PosteriorOf(const RidgeData& data, const RidgeVariances& variances) {
  const Normal normal = Solve(data, variances);
  const Eigen::Index columns = data.features.cols();
  return {.variances = variances,
          .log_evidence = normal.log_evidence,
          .mean = normal.mean,
          .covariance = normal.precision.solve(Eigen::MatrixXd::Identity(columns, columns))};
}

RidgePosterior FitRidge(const RidgeData& data, const RidgeVariances& start, size_t fixed,
                        double scale) {
  DEEPTHIN_CHECK(data.features.rows() >= 1 && scale > 0 && std::isfinite(scale));
  return PosteriorOf(data, Search(data, start, fixed, scale).Run());
}

}  // namespace deepthin::explorer

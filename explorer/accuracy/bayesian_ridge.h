// BayesianRidge: linear regression with normal priors on the weights, whose widths, like the noise,
// are chosen by the evidence (MacKay, Bayesian Interpolation, Neural Computation 4(3), 1992):
//
//   target_i = features_i . weights + noise_i       noise_i ~ N(0, noise + known_i)
//   weight_j ~ N(0, prior of the group of j)
#pragma once

#include <Eigen/Dense>
#include <cstdint>
#include <vector>

namespace deepthin::explorer {

struct RidgeData {
  Eigen::MatrixXd features;   // [rows, columns]
  Eigen::VectorXd targets;    // [rows]
  Eigen::VectorXd known;      // [rows] variances of the noise that are known; 0 or more
  std::vector<size_t> group;  // of each column: which prior it has, from 0
};

// Variances. `prior` has one entry a group.
struct RidgeVariances {
  double noise = 1;
  std::vector<double> prior{};
};

// ln p(targets | variances): the weights integrated out. REQUIRES: variances above 0.
[[nodiscard]] double LogEvidence(const RidgeData& data, const RidgeVariances& variances);

// Mean and covariance of the weights given the data.
struct RidgePosterior {
  RidgeVariances variances;
  double log_evidence = 0;
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;

  // Of features . weights, without noise.
  [[nodiscard]] double Predict(const Eigen::VectorXd& features) const { return features.dot(mean); }
  [[nodiscard]] double PredictedVariance(const Eigen::VectorXd& features) const {
    return features.dot(covariance * features);
  }
};

[[nodiscard]] RidgePosterior PosteriorOf(const RidgeData& data, const RidgeVariances& variances);

// The variances with the highest evidence, searched for within `scale` x 2^-20 to 2^10: a coarse
// grid, then steps that halve. scale: a variance of about the size of the targets'. The prior of
// group `fixed` stays what it is in `start`. REQUIRES: at least one row.
[[nodiscard]] RidgePosterior FitRidge(const RidgeData& data, const RidgeVariances& start,
                                      size_t fixed, double scale);

}  // namespace deepthin::explorer

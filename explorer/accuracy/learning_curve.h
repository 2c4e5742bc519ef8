// The end of a learning curve from its beginning: L(t) = limit + scale x t^-exponent, one of the
// curves that Domhan et al. extrapolate with ("Speeding up automatic hyperparameter optimization of
// deep neural networks by extrapolation of learning curves", IJCAI 2015, table 1, pow3).
//
// A schedule that lowers the learning rate towards the end bends the curve below any that is fitted
// to the part before: extrapolated losses are rather too high, for all models that are stopped at
// the same step.
#pragma once

#include <optional>
#include <span>

namespace deepthin::explorer {

struct LossAtStep {
  double step = 0;  // above 0
  double loss = 0;
};

struct PowerLaw {
  double limit = 0;     // 0 or more
  double scale = 0;     // above 0
  double exponent = 0;  // above 0

  [[nodiscard]] double At(double step) const;
};

// The least squares fit, with an exponent from 0.02 to 4. Absent with fewer than four points, and
// where losses do not fall. Deterministic.
[[nodiscard]] std::optional<PowerLaw> FitPowerLaw(std::span<const LossAtStep> points);

}  // namespace deepthin::explorer

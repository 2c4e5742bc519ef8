// The end of a learning curve from its beginning: L(t) = limit + scale x t^-exponent, one of the
// curves that Domhan et al. extrapolate with ("Speeding up automatic hyperparameter optimization of
// deep neural networks by extrapolation of learning curves", IJCAI 2015: pow3).
//
// A schedule that lowers the learning rate is in no such law: docs/executed-proxies.md has how far
// off the end of two real runs came out.
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

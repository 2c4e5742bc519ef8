// Least squares in two coefficients, relative to the observed values.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>

namespace deepthin::calibrate {

using Coefficients = std::array<double, 2>;
using Features = std::array<double, 2>;

// Minimises the sum of ((features . coefficients - target) / target)^2.
// REQUIRES: two rows or more, positive targets, features of rank 2.
[[nodiscard]] Coefficients FitRelative(std::span<const Features> features,
                                       std::span<const double> targets);

// The same for predict(coefficients, row), by Gauss-Newton from `start`: the derivatives are
// forward differences, which are exact for a model that is linear between its kinks.
using Predictor = std::function<double(const Coefficients&, size_t row)>;
[[nodiscard]] Coefficients FitRelative(const Predictor& predict, std::span<const double> targets,
                                       const Coefficients& start);

}  // namespace deepthin::calibrate

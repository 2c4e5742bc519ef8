#include "explorer/accuracy/learning_curve.h"

#include <algorithm>
#include <cmath>

namespace deepthin::explorer {
namespace {

constexpr size_t kFewestPoints = 4;
constexpr double kLeastExponent = 0.02;
constexpr double kGreatestExponent = 4;
constexpr int kTried = 200;       // exponents, evenly by their logarithm
constexpr int kRefinements = 60;  // each leaves 0.618 of the interval: to f64's end

struct Candidate {
  PowerLaw law;
  double squares = INFINITY;
};

// The best limit and scale of an exponent: a line over x = t^-exponent. Where its limit is below 0,
// that is 0.
Candidate BestOf(double exponent, std::span<const LossAtStep> points) {
  const auto n = static_cast<double>(points.size());
  // Steps as multiples of the first, so that x is near 1 for any exponent.
  const double unit = points.front().step;
  const auto x_of = [&](const LossAtStep& p) { return std::pow(p.step / unit, -exponent); };
  double mean_x = 0;
  double mean_y = 0;
  for (const LossAtStep& p : points) {
    mean_x += x_of(p) / n;
    mean_y += p.loss / n;
  }
  double xx = 0;
  double xy = 0;
  for (const LossAtStep& p : points) {
    xx += (x_of(p) - mean_x) * (x_of(p) - mean_x);
    xy += (x_of(p) - mean_x) * (p.loss - mean_y);
  }
  Candidate best;
  if (!(xx > 0 && xy > 0)) return best;
  double scale = xy / xx;
  double limit = mean_y - scale * mean_x;
  if (limit < 0) {
    limit = 0;
    scale = (xy + n * mean_x * mean_y) / (xx + n * mean_x * mean_x);
  }
  best.squares = 0;
  for (const LossAtStep& p : points) {
    const double error = limit + scale * x_of(p) - p.loss;
    best.squares += error * error;
  }
  best.law = {.limit = limit, .scale = scale * std::pow(unit, exponent), .exponent = exponent};
  return best;
}

// Golden-section search between two exponents, given by their logarithms.
Candidate Refined(double low, double high, std::span<const LossAtStep> points) {
  constexpr double kGolden = 0.6180339887498949;
  const auto at = [&](double log_exponent) { return BestOf(std::exp(log_exponent), points); };
  double left = high - kGolden * (high - low);
  double right = low + kGolden * (high - low);
  Candidate of_left = at(left);
  Candidate of_right = at(right);
  for (int i = 0; i < kRefinements; ++i) {
    if (of_left.squares <= of_right.squares) {
      high = right;
      right = left;
      of_right = of_left;
      left = high - kGolden * (high - low);
      of_left = at(left);
    } else {
      low = left;
      left = right;
      of_left = of_right;
      right = low + kGolden * (high - low);
      of_right = at(right);
    }
  }
  return of_left.squares <= of_right.squares ? of_left : of_right;
}

}  // namespace

double PowerLaw::At(double step) const { return limit + scale * std::pow(step, -exponent); }

std::optional<PowerLaw> FitPowerLaw(std::span<const LossAtStep> points) {
  if (points.size() < kFewestPoints) return std::nullopt;
  const double least = std::log(kLeastExponent);
  const double spacing = (std::log(kGreatestExponent) - least) / (kTried - 1);
  Candidate best;
  int best_index = 0;
  for (int i = 0; i < kTried; ++i) {
    const Candidate candidate = BestOf(std::exp(least + i * spacing), points);
    if (candidate.squares >= best.squares) continue;
    best = candidate;
    best_index = i;
  }
  if (!std::isfinite(best.squares)) return std::nullopt;
  const double low = least + std::max(best_index - 1, 0) * spacing;
  const double high = least + std::min(best_index + 1, kTried - 1) * spacing;
  const Candidate refined = Refined(low, high, points);
  return refined.squares < best.squares ? refined.law : best.law;
}

}  // namespace deepthin::explorer

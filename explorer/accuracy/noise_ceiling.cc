#include "explorer/accuracy/noise_ceiling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "spec/errors.h"
#include "spec/random.h"
#include "spec/rank_stats.h"
#include "spec/robust_stats.h"

namespace deepthin::explorer {
namespace {

// Near to normal, of variance 1 (Irwin-Hall): sums are the same on every machine, logarithms are
// not.
double NearlyNormal(SplitMix64& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.NextUnit();
  return sum;
}

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// REQUIRES: two values or more.
double Variance(std::span<const double> values) {
  const double mean = Mean(values);
  double sum = 0;
  for (const double x : values) sum += (x - mean) * (x - mean);
  return sum / static_cast<double>(values.size() - 1);
}

std::vector<double> TrueValues(std::span<const double> targets,
                               std::span<const double> standard_errors) {
  double squares = 0;
  for (const double error : standard_errors) squares += error * error;
  const double of_errors = squares / static_cast<double>(standard_errors.size());
  const double variance = Variance(targets);
  const double together = variance > of_errors ? std::sqrt(1 - of_errors / variance) : 0;
  const double mean = Mean(targets);
  std::vector<double> out;
  out.reserve(targets.size());
  for (const double target : targets) out.push_back(mean + together * (target - mean));
  return out;
}

// The mean where at least half of the repetitions define the figure.
Figure Summary(const std::vector<double>& values, const BootstrapOptions& options) {
  if (values.empty() || 2 * values.size() < static_cast<size_t>(options.resamples)) return {};
  const double tail = 0.5 * (1 - options.share);
  return {Mean(values), Interval{Quantile(values, tail), Quantile(values, 1 - tail)}};
}

}  // namespace

double BinomialStandardError(double points, int64_t questions) {
  DEEPTHIN_CHECK(points >= 0 && points <= 100 && questions >= 1);
  const double p = points / 100;
  return 100 * std::sqrt(p * (1 - p) / static_cast<double>(questions));
}

double StandardErrorOfMean(std::span<const double> standard_errors) {
  DEEPTHIN_CHECK(!standard_errors.empty());
  double squares = 0;
  for (const double error : standard_errors) squares += error * error;
  return std::sqrt(squares) / static_cast<double>(standard_errors.size());
}

NoiseCeiling CeilingOf(const RankedRows& rows, std::span<const double> standard_errors,
                       const BootstrapOptions& options) {
  DEEPTHIN_CHECK(standard_errors.size() == rows.size() && options.resamples >= 1);
  if (rows.size() < 2) return {};
  const std::vector<double> truth = TrueValues(rows.targets, standard_errors);
  std::array<std::vector<double>, 4> values;
  std::vector<double> observed(truth.size());
  SplitMix64 random(options.seed);
  for (int64_t r = 0; r < options.resamples; ++r) {
    for (size_t i = 0; i < truth.size(); ++i) {
      observed[i] = truth[i] + standard_errors[i] * NearlyNormal(random);
    }
    values[0].push_back(KendallTau(truth, observed));
    values[1].push_back(SpearmanRho(truth, observed));
    const auto decoder = CountPairs(truth, observed, rows.decoder_params).accuracy();
    const auto total = CountPairs(truth, observed, rows.total_params).accuracy();
    if (decoder) values[2].push_back(*decoder);
    if (total) values[3].push_back(*total);
  }
  return {Summary(values[0], options), Summary(values[1], options), Summary(values[2], options),
          Summary(values[3], options)};
}

}  // namespace deepthin::explorer

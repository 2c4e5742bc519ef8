#include "explorer/accuracy/ranking.h"

#include <algorithm>
#include <array>

#include "spec/errors.h"
#include "spec/random.h"
#include "spec/rank_stats.h"
#include "spec/robust_stats.h"

namespace deepthin::explorer {
namespace {

bool IsOneBudget(double a, double b) {
  return std::max(a, b) <= (1 + kBudgetTolerance) * std::min(a, b);
}

bool IsConstant(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [&](double x) { return x == values[0]; });
}

std::vector<double> Picked(std::span<const double> values, std::span<const size_t> sample) {
  std::vector<double> out;
  out.reserve(sample.size());
  for (const size_t i : sample) out.push_back(values[i]);
  return out;
}

std::optional<double> Difference(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return std::nullopt;
  return *a - *b;
}

// In the order of Ranking: four of the proxy, three gains.
constexpr size_t kFigures = 7;

void ComputeFigures(const RankedRows& rows, std::span<const double> scores,
                    std::span<const double> baseline, std::span<const size_t> sample,
                    std::span<std::optional<double>> out) {
  const std::vector<double> targets = Picked(rows.targets, sample);
  if (targets.empty() || IsConstant(targets)) return;
  const std::vector<double> decoder = Picked(rows.decoder_params, sample);
  const std::vector<double> total = Picked(rows.total_params, sample);
  const std::vector<double> of_proxy = Picked(scores, sample);
  const std::vector<double> of_baseline = Picked(baseline, sample);
  out[0] = KendallTau(of_proxy, targets);
  out[1] = SpearmanRho(of_proxy, targets);
  out[2] = CountPairs(of_proxy, targets, decoder).accuracy();
  out[3] = CountPairs(of_proxy, targets, total).accuracy();
  out[4] = Difference(out[0], KendallTau(of_baseline, targets));
  out[5] = Difference(out[2], CountPairs(of_baseline, targets, decoder).accuracy());
  out[6] = Difference(out[3], CountPairs(of_baseline, targets, total).accuracy());
}

}  // namespace

void RankedRows::Add(double target, const ModelSpec& model) {
  const ParamCounts params = CountParams(model);
  targets.push_back(target);
  decoder_params.push_back(static_cast<double>(params.blocks));
  total_params.push_back(static_cast<double>(params.matrices()));
}

PairCount CountPairs(std::span<const double> scores, std::span<const double> targets,
                     std::span<const double> budgets) {
  DEEPTHIN_CHECK(scores.size() == targets.size() && budgets.size() == targets.size());
  PairCount count;
  for (size_t i = 0; i < targets.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (targets[i] == targets[j] || !IsOneBudget(budgets[i], budgets[j])) continue;
      ++count.pairs;
      if (scores[i] == scores[j]) {
        count.right += 0.5;
      } else if ((scores[i] > scores[j]) == (targets[i] > targets[j])) {
        count.right += 1;
      }
    }
  }
  return count;
}

std::vector<Figure> Bootstrap(size_t rows, size_t figures, const Compute& compute,
                              const BootstrapOptions& options) {
  return Bootstrap(std::array{rows}, figures, compute, options);
}

std::vector<Figure> Bootstrap(std::span<const size_t> strata, size_t figures,
                              const Compute& compute, const BootstrapOptions& options) {
  DEEPTHIN_CHECK(options.resamples >= 1 && options.share > 0 && options.share < 1);
  std::vector<Figure> out(figures);
  std::vector<size_t> sample;
  for (const size_t rows : strata) {
    for (size_t i = 0; i < rows; ++i) sample.push_back(sample.size());
  }
  if (sample.empty()) return out;
  std::vector<std::optional<double>> values(figures);
  compute(sample, values);
  for (size_t f = 0; f < figures; ++f) out[f].value = values[f];

  std::vector<std::vector<double>> resampled(figures);
  SplitMix64 random(options.seed);
  for (int64_t r = 0; r < options.resamples; ++r) {
    size_t begin = 0;
    for (const size_t rows : strata) {
      for (size_t i = begin; i < begin + rows; ++i) {
        sample[i] = begin + static_cast<size_t>(random.NextBelow(static_cast<int64_t>(rows)));
      }
      begin += rows;
    }
    std::fill(values.begin(), values.end(), std::nullopt);
    compute(sample, values);
    for (size_t f = 0; f < figures; ++f) {
      if (values[f]) resampled[f].push_back(*values[f]);
    }
  }
  const double tail = 0.5 * (1 - options.share);
  for (size_t f = 0; f < figures; ++f) {
    const bool is_mostly_defined =
        2 * resampled[f].size() >= static_cast<size_t>(options.resamples);
    if (!out[f].value || !is_mostly_defined) continue;
    out[f].interval = {Quantile(resampled[f], tail), Quantile(resampled[f], 1 - tail)};
  }
  return out;
}

Ranking Rank(const RankedRows& rows, std::span<const double> scores,
             std::span<const double> baseline, const BootstrapOptions& options) {
  DEEPTHIN_CHECK(scores.size() == rows.size() && baseline.size() == rows.size());
  const std::vector<Figure> figures = Bootstrap(
      rows.size(), kFigures,
      [&](std::span<const size_t> sample, std::span<std::optional<double>> out) {
        ComputeFigures(rows, scores, baseline, sample, out);
      },
      options);
  return {figures[0], figures[1], figures[2], figures[3], figures[4], figures[5], figures[6]};
}

}  // namespace deepthin::explorer

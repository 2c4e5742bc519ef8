// How well a proxy ranks trained models, and how sure that is: rank correlations, the accuracy on
// pairs of one budget, and their bootstrap intervals over the rows.
//
// What is undefined (the correlation with targets that are all the same, the accuracy on no pairs)
// is absent, not 0.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "spec/fields.h"
#include "spec/model_spec.h"

namespace deepthin::explorer {

// Two models have one budget where the larger is at most this much larger: what a user with a fixed
// budget compares.
inline constexpr double kBudgetTolerance = 0.10;

// Trained models that may be compared with each other; one entry of each list a row.
struct RankedRows {
  std::vector<double> targets;         // higher is better
  std::vector<double> decoder_params;  // ParamCounts::blocks
  std::vector<double> total_params;    // ParamCounts::matrices()

  void Add(double target, const ModelSpec& model);
  [[nodiscard]] size_t size() const { return targets.size(); }

  friend bool operator==(const RankedRows&, const RankedRows&) = default;
};

// Pairs of one budget with different targets (where they tie no answer is right, and the pair does
// not count), and how many of them the scores order as the targets do; a pair whose scores tie
// counts one half, as a coin would.
struct PairCount {
  int64_t pairs = 0;
  double right = 0;

  [[nodiscard]] std::optional<double> accuracy() const {
    if (pairs == 0) return std::nullopt;
    return right / static_cast<double>(pairs);
  }

  friend bool operator==(const PairCount&, const PairCount&) = default;
};
// REQUIRES: as many of each.
[[nodiscard]] PairCount CountPairs(std::span<const double> scores, std::span<const double> targets,
                                   std::span<const double> budgets);

struct BootstrapOptions {
  int64_t resamples = 2'000;
  double share = 0.90;  // of the interval
  uint64_t seed = 1;
};

// Half the width of the interval that holds 90 % of a normal distribution, in standard deviations.
inline constexpr double kNinetyPercent = 1.6448536269514722;

struct Interval {
  double low = 0;
  double high = 0;

  friend bool operator==(const Interval&, const Interval&) = default;
};

// A figure, with the interval that its rows leave it; the interval is absent where fewer than half
// of the resamples define the figure.
struct Figure {
  std::optional<double> value{};
  std::optional<Interval> interval{};

  friend bool operator==(const Figure&, const Figure&) = default;
};

// Percentile intervals (Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982) of
// figures that are computed from rows. compute(sample, out) sets the figures of the rows whose
// indices are in `sample`, of which some may be there several times; what it leaves is undefined.
using Compute =
    std::function<void(std::span<const size_t> sample, std::span<std::optional<double>> figures)>;
[[nodiscard]] std::vector<Figure> Bootstrap(size_t rows, size_t figures, const Compute& compute,
                                            const BootstrapOptions& options);
// The same where rows are drawn within strata, one behind the other, of so many rows each.
[[nodiscard]] std::vector<Figure> Bootstrap(std::span<const size_t> strata, size_t figures,
                                            const Compute& compute,
                                            const BootstrapOptions& options);

// What is said of a proxy on some rows. tau and rho are 0 where all scores tie.
struct Ranking {
  Figure tau;          // Kendall's tau-b with the targets
  Figure rho;          // Spearman's
  Figure iso_decoder;  // accuracy on pairs of one budget of decoder parameters
  Figure iso_total;    // and of all parameters
  // The same less the baseline's, on the same resamples: whether the one is better is seen here, as
  // both have the same luck with the rows.
  Figure tau_gain;
  Figure iso_decoder_gain;
  Figure iso_total_gain;

  friend bool operator==(const Ranking&, const Ranking&) = default;
};
// REQUIRES: a score of each row in both lists.
[[nodiscard]] Ranking Rank(const RankedRows& rows, std::span<const double> scores,
                           std::span<const double> baseline, const BootstrapOptions& options);

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::Interval> {
  using S = explorer::Interval;
  static constexpr auto kList = std::tuple(Field("low", &S::low, ""), Field("high", &S::high, ""));
};

template <>
struct deepthin::Fields<deepthin::explorer::Figure> {
  using S = explorer::Figure;
  static constexpr auto kList =
      std::tuple(Field("value", &S::value, "absent where undefined", Presence::kOptional),
                 Field("interval", &S::interval, "90 %, over the rows", Presence::kOptional));
};

template <>
struct deepthin::Fields<deepthin::explorer::Ranking> {
  using S = explorer::Ranking;
  static constexpr auto kList =
      std::tuple(Field("tau", &S::tau, "Kendall's tau-b"), Field("rho", &S::rho, "Spearman's"),
                 Field("iso_decoder", &S::iso_decoder, "pairs of one decoder budget"),
                 Field("iso_total", &S::iso_total, "pairs of one total budget"),
                 Field("tau_gain", &S::tau_gain, "less the baseline's"),
                 Field("iso_decoder_gain", &S::iso_decoder_gain, "less the baseline's"),
                 Field("iso_total_gain", &S::iso_total_gain, "less the baseline's"));
};

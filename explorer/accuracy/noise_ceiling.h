// What a perfect proxy would reach: one that knows how accurate a model truly is, but is judged by
// evaluations of finitely many questions. No proxy can be expected to rank better than that, and
// differences between proxies that both reach it mean nothing.
#pragma once

#include <cstdint>
#include <span>

#include "explorer/accuracy/ranking.h"

namespace deepthin::explorer {

// Standard error in points (0 to 100) of an accuracy in points over so many questions, each right
// or wrong on its own: 100 sqrt(p (1 - p) / n). REQUIRES: 0 <= points <= 100, questions >= 1.
[[nodiscard]] double BinomialStandardError(double points, int64_t questions);

// Of the mean of accuracies with these standard errors, independent of each other.
// REQUIRES: not empty.
[[nodiscard]] double StandardErrorOfMean(std::span<const double> standard_errors);

// Expected figures of the perfect proxy; the intervals say within which a share of repetitions
// lies, by luck alone.
struct NoiseCeiling {
  Figure tau;
  Figure rho;
  Figure iso_decoder;
  Figure iso_total;

  friend bool operator==(const NoiseCeiling&, const NoiseCeiling&) = default;
};

// True values are taken to be the targets drawn together about their mean until variance is left
// for the errors: by sqrt(1 - mean squared error / variance of the targets), or to one point where
// the errors alone explain the variance. Each repetition (options.resamples) adds errors to them
// and ranks the sum by the true values. Errors are taken as independent from row to row; models
// that answer the same questions err alike, so that the ceiling is, if anything, too low. REQUIRES:
// a standard error, 0 or more, of each row.
[[nodiscard]] NoiseCeiling CeilingOf(const RankedRows& rows,
                                     std::span<const double> standard_errors,
                                     const BootstrapOptions& options);

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::NoiseCeiling> {
  using S = explorer::NoiseCeiling;
  static constexpr auto kList =
      std::tuple(Field("tau", &S::tau, "Kendall's tau-b"), Field("rho", &S::rho, "Spearman's"),
                 Field("iso_decoder", &S::iso_decoder, "pairs of one decoder budget"),
                 Field("iso_total", &S::iso_total, "pairs of one total budget"));
};

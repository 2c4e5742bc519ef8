#include "explorer/error_bar.h"

#include <algorithm>
#include <limits>

#include "explorer/sources.h"

namespace deepthin::explorer {
namespace {

std::optional<ErrorBar> BarOf(const Problem& problem, Seconds estimate,
                              std::optional<PhaseResiduals> Residuals::*phase) {
  const auto& residuals = problem.soc.residuals;
  if (!residuals || !((*residuals).*phase) || HasUserNumbers(problem.soc)) return std::nullopt;
  return BarAround(estimate, *((*residuals).*phase));
}

}  // namespace

ErrorBar BarAround(Seconds estimate, const PhaseResiduals& residuals) {
  const double p90 = residuals.p90_relative_error;
  constexpr double kUnbounded = std::numeric_limits<double>::infinity();
  return {.low = estimate / (1 + p90),
          .high = p90 < 1 ? estimate / (1 - p90) : Seconds(kUnbounded)};
}

std::optional<ErrorBar> DecodeBar(const Problem& problem, const CostEstimate& cost) {
  return BarOf(problem, cost.decode.time, &Residuals::decode);
}

std::optional<ErrorBar> PrefillBar(const Problem& problem, const CostEstimate& cost) {
  return BarOf(problem, cost.prefill.time, &Residuals::prefill);
}

bool HasUserNumbers(const SocSpec& soc) {
  const auto numbers = SourcedNumbers(soc);
  return std::any_of(numbers.begin(), numbers.end(),
                     [](const SourcedNumber& number) { return number.source.starts_with("user"); });
}

}  // namespace deepthin::explorer

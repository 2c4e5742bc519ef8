// How far estimates may be off, from the residuals of a calibrated SoC.
#pragma once

#include <optional>

#include "spec/cost_estimate.h"
#include "spec/problem.h"
#include "spec/soc_spec.h"

namespace deepthin::explorer {

// Nine of ten measurements lie within, for models like those that the SoC was calibrated on.
struct ErrorBar {
  Seconds low;
  Seconds high;
};

// Of an estimate with relative error e = (estimate - truth) / truth, |e| <= p90 in nine of ten:
// estimate / (1 + p90) to estimate / (1 - p90). Where p90 is 1 or more nothing bounds it from
// above.
[[nodiscard]] ErrorBar BarAround(Seconds estimate, const PhaseResiduals& residuals);

// Absent where the SoC has no residuals of the phase, or has numbers that the user replaced.
[[nodiscard]] std::optional<ErrorBar> DecodeBar(const Problem& problem, const CostEstimate& cost);
[[nodiscard]] std::optional<ErrorBar> PrefillBar(const Problem& problem, const CostEstimate& cost);

// Whether an override stands among the numbers.
[[nodiscard]] bool HasUserNumbers(const SocSpec& soc);

}  // namespace deepthin::explorer

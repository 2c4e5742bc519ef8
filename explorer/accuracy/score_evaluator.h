// The "score" evaluator of sweeps: any proxy of the table.
#pragma once

#include <vector>

#include "explorer/accuracy/proxy.h"
#include "sweeps/evaluator_table.h"

namespace deepthin::explorer {

// Settings {"proxy": NAME, ...}, with the proxy's own settings beside the name; decoder_params
// where none is named. Where the context says to stop, a trial ends with an Interruption.
[[nodiscard]] sweeps::EvaluatorEntry ScoringEvaluator(const ProxyContext& context = {});

// Every evaluator there is: estimate, measure, score.
[[nodiscard]] std::vector<sweeps::EvaluatorEntry> AllEvaluators(const ProxyContext& context = {});

}  // namespace deepthin::explorer

// The estimating evaluator: the analytical cost model.
#pragma once

#include <memory>

#include "sweeps/evaluator.h"

namespace deepthin::sweeps {

// Takes no settings. Infeasible where the weights, KV cache and activations exceed the SoC's DRAM.
[[nodiscard]] std::unique_ptr<Evaluator> MakeEstimating(const Json& settings, const Where& where);

}  // namespace deepthin::sweeps

// EstimatePass: time, bytes and energy of one forward pass, operator by operator.
#pragma once

#include <cstdint>
#include <vector>

#include "costmodel/op_list.h"
#include "spec/cost_estimate.h"
#include "spec/problem.h"

namespace deepthin::costmodel {

struct PassEstimate {
  PhaseCost cost;
  Bytes largest_activations;  // the most that any operator holds
  // For each operator what limits it, from which levels it is served and how it is tiled. Under LRU
  // every byte count, and so every time, is linear in the context between two passes that agree in
  // this: distances only grow with the context, and each operator's limit is the same line.
  std::vector<int64_t> regime;
};

// Throws InputError where the SoC has no rate for a matrix. REQUIRES: RequireCountable() passes,
// for a workload that has as many tokens as the pass.
[[nodiscard]] PassEstimate EstimatePass(const Problem& problem, const Pass& pass);

}  // namespace deepthin::costmodel

// The trace simulation of one decoded token beside the closed form, and as a timeline.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "costmodel/op_list.h"
#include "costmodel/simulate.h"
#include "costmodel/simulation_bound.h"
#include "spec/cost_estimate.h"
#include "spec/json_io.h"
#include "spec/problem.h"

namespace deepthin::explorer {

// Of the token at the mean context. Both sides with SRAM levels that keep what was used last: that
// is all the simulation knows.
struct TokenSimulation {
  SocSpec soc;  // every SRAM level LRU
  Bytes line;
  costmodel::OpList list;
  PhaseCost closed;
  costmodel::SimulatedPass simulated;
  std::optional<costmodel::SimulationBounds> bounds;  // none is stated for several SRAM levels
};

// Throws InputError where the token is too long to be followed line by line.
[[nodiscard]] TokenSimulation SimulateToken(const Problem& problem, Bytes line);

[[nodiscard]] std::string SimulationTable(const TokenSimulation& token);
[[nodiscard]] Json SimulationJson(const TokenSimulation& token);

// Chrome's trace event format (trace_events.h): a track of the pass, its blocks and operators; one
// of transfers and one of arithmetic, whose tiles show the double buffering. Neighbouring tiles of
// an operator are drawn as one, where there are many.
[[nodiscard]] Json SimulationTrace(const TokenSimulation& token, const ModelSpec& model,
                                   const std::string& title);

}  // namespace deepthin::explorer

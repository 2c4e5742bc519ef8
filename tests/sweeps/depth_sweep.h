// A small sweep for tests: one point for each depth.
#pragma once

#include <cstdint>
#include <vector>

#include "sweeps/sweep.h"

namespace deepthin::sweeps {

inline Json DepthDefinition(const std::vector<int64_t>& depths) {
  return {{"name", "depths"},
          {"base",
           {{"model", "mobilellm-125m"},
            {"soc", "iphone-13"},
            {"precision", "f16"},
            {"workload", {{"prompt_tokens", 8}, {"generated_tokens", 4}}}}},
          {"axes", {{{"key", "model.n_blocks"}, {"values", depths}}}},
          {"evaluators", {{{"name", "fake"}}}}};
}

inline Sweep DepthSweep(const std::vector<int64_t>& depths) {
  return SweepFromJson(DepthDefinition(depths), "depths.json");
}

}  // namespace deepthin::sweeps

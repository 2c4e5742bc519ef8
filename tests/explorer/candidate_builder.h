// Candidates for tests.
#pragma once

#include <string>

#include "explorer/candidates.h"
#include "spec/model_presets.h"

namespace deepthin::explorer {

inline Candidate MakeCandidate(const std::string& label, int64_t n_blocks, double decode_s,
                               double score) {
  Problem problem;
  problem.model = *ModelPresetByName("mobilellm-125m");
  problem.model.n_blocks = n_blocks;
  problem.soc.name = "iphone-13";
  CostEstimate estimate;
  estimate.decode.time = Seconds(decode_s);
  estimate.prefill.time = Seconds(10 * decode_s);
  estimate.peak_memory = MiB(300);
  return {.sweep = "test",
          .label = label,
          .problem = problem,
          .score = ProxyScore{.proxy = "decoder_params",
                              .version = "1",
                              .value = score,
                              .standard_error = {},
                              .method = "",
                              .in_domain = true},
          .measurement = {},
          .estimate = estimate,
          .remarks = {}};
}

}  // namespace deepthin::explorer

// Estimate: what a Problem costs by the analytical model of docs/cost-model.md. A pure function:
// no state, no I/O, safe from any thread.
//
//   CostEstimate cost = Estimate({model, precision, soc, {.prompt_tokens = 64, .generated_tokens =
//   64}}); ToMilliseconds(cost.decode.time);
#pragma once

#include <string_view>

#include "costmodel/op_list.h"
#include "costmodel/pass_estimator.h"
#include "spec/cost_estimate.h"
#include "spec/problem.h"

namespace deepthin::costmodel {

// Stored with every estimate: change the maths, change the version.
inline constexpr std::string_view kModelName = "deepthin-analytical";
inline constexpr std::string_view kModelVersion = "1";

// Names of the fixed costs that stand among a phase's operators, so that operators sum to the
// phase.
inline constexpr std::string_view kPerExecutedBlockName = "per_executed_block";
inline constexpr std::string_view kPerTokenName = "per_token";

// Throws InputError where the problem is not valid, the SoC states no rate that serves a dtype, or
// the workload is too large to count in 64 bits.
[[nodiscard]] CostEstimate Estimate(const Problem& problem);

// Tokens in the KV cache at the mean decoded token, prompt + (generated - 1) / 2, rounded up.
[[nodiscard]] int64_t MeanDecodeContext(const Workload& workload);

// The passes whose costs an estimate states: the prompt, and the mean decoded token.
[[nodiscard]] Pass PrefillPass(const Workload& workload);
[[nodiscard]] Pass DecodePass(const Workload& workload);

// Weights, the KV cache of `tokens` tokens a sequence, and the most activations of the two passes.
[[nodiscard]] Bytes PeakMemory(const Problem& problem, int64_t tokens, const PassEstimate& prefill,
                               const PassEstimate& decode);

// The rate at which matrices of this dtype are multiplied: the stated one; else the fastest stated
// float rate that is at least as wide (quantised weights are converted to any float, f16 and bf16
// to each other and to f32). Throws InputError that names the dtypes there are.
[[nodiscard]] const ComputeRate& RateFor(const SocSpec& soc, Dtype dtype);

// Time of an operator's arithmetic: its MACs by the tokens that share a weight (in attention, a
// key), with what is unpacked for them, or its elements. Throws as RateFor() does.
[[nodiscard]] Seconds ComputeTime(const SocSpec& soc, const Op& op, const Pass& pass);

// Time of an operator whose arithmetic and longest transfer take so long by themselves.
[[nodiscard]] Seconds OverlappedTime(const SocSpec& soc, const Op& op, Seconds compute,
                                     Seconds transfer);

// No count may leave 64 bits: bounds the largest sums, in double, before anything is counted.
// Throws InputError. REQUIRES: the problem is valid.
void RequireCountable(const ModelSpec& model, const Workload& workload);
inline void RequireCountable(const Problem& problem) {
  RequireCountable(problem.model, problem.workload);
}

}  // namespace deepthin::costmodel

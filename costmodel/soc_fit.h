// FitSoc: the numbers of a SocSpec with which estimates come closest to measured passes. Which
// numbers there are, and that capacities stay as they are, is said by the start; who measured what
// is explorer/calibrate's affair.
//
//   SocFit fit = FitSoc(start, measured, {});
//   Estimate({model, precision, fit.soc, workload});
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "costmodel/op_list.h"
#include "spec/problem.h"
#include "spec/soc_spec.h"

namespace deepthin::costmodel {

// One pass of a model, and what a clock said of it.
struct MeasuredPass {
  ModelSpec model;
  Precision precision;
  Pass pass;
  Seconds time;
  int64_t architecture = 0;  // passes that are held out together have the same
};

[[nodiscard]] inline bool IsDecode(const Pass& pass) { return pass.new_tokens == 1; }

// Throws InputError where the cost model cannot count the pass on this SoC, or its time is not
// positive.
void RequireCountable(const MeasuredPass& measured, const SocSpec& soc);

struct FitOptions {
  // A number that is off by its own size from the start costs as much as a measured pass that is
  // missed by this: where the passes say nothing of it, it stays.
  double start_weight = 0.02;
  // The same of bandwidths and of rates with one token, as multiples of it: more where the start
  // has them from measurements of them alone.
  double bandwidth_trust = 1;
  double one_token_trust = 1;
};

// (estimate - measured) / measured.
struct FitError {
  double fitted = 0;    // by the fit on all passes
  double held_out = 0;  // by the fit without its architecture
};

struct SocFit {
  SocSpec soc;                   // with the fitted numbers; their sources are the start's
  std::vector<FitError> errors;  // of each pass
  double spread = 0;             // median |fitted|
  // Numbers that these passes do not determine, as overrides name them ("fixed.per_token_s"): they
  // appear in no pass, or a change of several cancels out. Those that only appear together stand
  // together.
  std::vector<std::string> undetermined;
};

// Bandwidths of SRAM (all its levels by one factor) and DRAM, rates and fixed costs; reading and
// writing at a level go together. No nearer level is left slower than DRAM.
// Least squares of the relative errors, Huber's weights, no number below 0. Throws as Estimate()
// does, and InputError where a time is not positive. REQUIRES: at least one pass.
[[nodiscard]] SocFit FitSoc(const SocSpec& start, std::span<const MeasuredPass> passes,
                            const FitOptions& options);

// The best of several starts, which may differ in capacities and replacement, by the sum of
// Huber's losses on the passes. REQUIRES: not empty.
[[nodiscard]] SocFit FitBestSoc(std::span<const SocSpec> starts,
                                std::span<const MeasuredPass> passes, const FitOptions& options);

// What the errors on held-out passes promise of new ones: the p90 is the order statistic that
// covers nine of ten new errors if they are exchangeable with these (split conformal prediction,
// Vovk et al. 2005): the ceil(0.9 (n + 1))-th of n, at most the largest. REQUIRES: not empty.
[[nodiscard]] PhaseResiduals ResidualsOf(std::span<const double> errors);

}  // namespace deepthin::costmodel

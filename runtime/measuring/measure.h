// Measuring a model on this CPU: steady clock, warm-up, repeats; raw samples are kept.
//
//   const Measurement m = Measure(spec, {.threads = 2});
//   if (!IsNoisy(m)) Print(Median(m.decode_s_per_token));
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/weights.h"
#include "spec/measurement.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

struct MeasureOptions {
  int64_t threads = 1;
  int64_t prompt_tokens = 64;     // prefilled in one pass: TTFT
  int64_t generated_tokens = 32;  // then decoded one by one
  int64_t repeats = 5;            // counted; one warm-up before them
  uint64_t seed = 1;              // of the random weights and tokens
};

// Called with (done, total) after each repeat, the warm-up included. May be empty.
using MeasureProgress = std::function<void(int64_t, int64_t)>;

// Random weights. Throws InputError where the spec is invalid or the options do not fit it,
// EnvironmentError where memory does not suffice.
[[nodiscard]] Measurement Measure(const ModelSpec& spec, const MeasureOptions& options,
                                  const MeasureProgress& progress = {});

// The same for weights that are there already, loaded in `load` (a checkpoint).
[[nodiscard]] Measurement MeasureWeights(const Weights& weights, Seconds load,
                                         const MeasureOptions& options,
                                         const MeasureProgress& progress = {});

// One measurement for each thread count (options.threads does not count), of one set of weights.
// Repeats are taken in turn (1 2 4, 1 2 4, ...), so that a machine that slows down or gets busy
// does so for all alike: what is compared is measured together. Throws as Measure does.
[[nodiscard]] std::vector<Measurement> MeasureThreads(const ModelSpec& spec,
                                                      const MeasureOptions& options,
                                                      std::span<const int64_t> threads,
                                                      const MeasureProgress& progress = {});

// The same for several specs, which are compared with each other: architectures of one budget. All
// their weights are in memory at once.
[[nodiscard]] std::vector<Measurement> MeasureSpecs(std::span<const ModelSpec> specs,
                                                    const MeasureOptions& options,
                                                    const MeasureProgress& progress = {});

// Above this MAD / median of its decode or prefill samples a measurement is kept but no choice
// relies on it. Chosen, not fitted: differences of a tenth between designs still stand out of it.
inline constexpr double kNoisyMadRatio = 0.05;

// REQUIRES: samples of both kinds. A single sample shows no noise: it takes 3 or more to judge.
[[nodiscard]] bool IsNoisy(const Measurement& measurement);

}  // namespace deepthin::runtime

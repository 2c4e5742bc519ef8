// Measuring a model on this CPU: steady clock, warm-up, repeats; raw samples are kept.
#pragma once

#include <cstdint>
#include <functional>

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

// Random weights. progress(done, total) is called after each repeat, the warm-up included; it may
// be empty. Throws InputError where the options do not fit the spec, EnvironmentError where memory
// does not suffice.
[[nodiscard]] Measurement Measure(const ModelSpec& spec, const MeasureOptions& options,
                                  const std::function<void(int64_t, int64_t)>& progress = {});

}  // namespace deepthin::runtime

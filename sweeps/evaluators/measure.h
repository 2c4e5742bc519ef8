// The measuring evaluator: executes the model on this CPU with random weights.
#pragma once

#include <memory>

#include "sweeps/evaluator.h"

namespace deepthin::sweeps {

struct MeasureSettings {
  int64_t threads = 0;  // 0: every CPU that the process may use
  int64_t repeats = 5;
  int64_t seed = 1;
};

// Prompt and generated tokens are the workload's, formats the precision's as the runtime executes
// them. A measurement is asked again on another host (CPU model, CPU count or instruction set), not
// for another SoC.
[[nodiscard]] std::unique_ptr<Evaluator> MakeMeasuring(const Json& settings, const Where& where);

}  // namespace deepthin::sweeps

namespace deepthin {

template <>
struct Fields<sweeps::MeasureSettings> {
  using S = sweeps::MeasureSettings;
  static constexpr auto kList = std::tuple(
      Field("threads", &S::threads, "worker threads; 0 for all CPUs", Presence::kOptional),
      Field("repeats", &S::repeats, "samples of prefill and of decode", Presence::kOptional),
      Field("seed", &S::seed, "of the random weights", Presence::kOptional));
};

}  // namespace deepthin

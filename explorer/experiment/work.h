// How much work an experiment is, and how much of it is left.
#pragma once

#include <cstdint>
#include <span>

#include "explorer/experiment/definition.h"
#include "results/store.h"
#include "runtime/trainer/batch.h"

namespace deepthin::explorer {

struct ExperimentWork {
  int64_t runs = 0;
  int64_t tokens = 0;
  double macs = 0;  // multiply-adds that their training steps need
};

// Of that many steps.
[[nodiscard]] double MacsOf(const ModelSpec& model, const runtime::BatchShape& shape,
                            int64_t steps);

// Of all runs. Equal questions in several sweeps count several times, though the driver asks once.
[[nodiscard]] ExperimentWork WorkOf(std::span<const ExperimentSweep> sweeps);
// Of those that the store has no outcome of, or a failure.
[[nodiscard]] ExperimentWork WorkOf(std::span<const ExperimentSweep> sweeps, results::Store& store);

}  // namespace deepthin::explorer

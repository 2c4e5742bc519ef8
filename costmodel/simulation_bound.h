// How far the closed form and the trace simulation may be apart, in bytes: docs/cost-model.md,
// "Trace simulation". Tests hold the two to it; `deepthin estimate --simulate` prints it.
#pragma once

#include <cstdint>

#include "costmodel/op_list.h"
#include "spec/soc_spec.h"
#include "spec/units.h"

namespace deepthin::costmodel {

// Read and written, by the closed form. REQUIRES: the SoC is valid.
[[nodiscard]] Bytes ClosedDramBytes(const OpList& list, const SocSpec& soc);

struct SimulationBounds {
  Bytes low;
  Bytes high;
};

// What a simulation of one LRU level of `capacity` bytes in `sets` sets may find. For several
// levels no bound is stated.
[[nodiscard]] SimulationBounds BoundsOfSimulation(const OpList& list, Bytes capacity, Bytes line,
                                                  int64_t sets);

}  // namespace deepthin::costmodel

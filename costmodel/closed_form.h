// RooflineBound: what no schedule can beat, from parameter counts alone. Shares nothing with the
// operator list, so that tests can hold the estimator against it.
#pragma once

#include "spec/problem.h"
#include "spec/units.h"

namespace deepthin::costmodel {

// Lower bounds of one pass.
struct RooflineBound {
  Bytes dram_read;  // bytes that cannot all have stayed on chip
  Macs macs;
  Seconds memory;
  Seconds compute;
  Seconds fixed;

  [[nodiscard]] Seconds time() const { return (memory > compute ? memory : compute) + fixed; }
};

// Decode at MeanDecodeContext(). REQUIRES: Estimate() accepts the problem.
[[nodiscard]] RooflineBound DecodeBound(const Problem& problem);
// The whole prompt, nothing on chip before.
[[nodiscard]] RooflineBound PrefillBound(const Problem& problem);

}  // namespace deepthin::costmodel

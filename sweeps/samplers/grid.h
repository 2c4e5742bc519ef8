// The full grid: every combination once, the last axis fastest.
#pragma once

#include "sweeps/sampler.h"

namespace deepthin::sweeps {

class GridSampler : public Sampler {
 public:
  [[nodiscard]] std::optional<Choice> Propose(const AxisSizes& sizes, int64_t index) const override;
};

}  // namespace deepthin::sweeps

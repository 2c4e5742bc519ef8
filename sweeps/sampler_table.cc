#include <array>

#include "sweeps/sampler.h"
#include "sweeps/samplers/grid.h"

namespace deepthin::sweeps {

std::span<const SamplerEntry> SamplerTable() {
  static constexpr std::array kTable = {
      SamplerEntry{"grid", "every combination once, the last axis fastest",
                   []() -> std::unique_ptr<Sampler> { return std::make_unique<GridSampler>(); }},
  };
  return kTable;
}

}  // namespace deepthin::sweeps

// How two SoCs differ, number by number. Levels are matched by kind, SRAM levels from the outermost
// inwards (a system-level cache with the other's last cache); rates by format.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "explorer/sources.h"
#include "spec/soc_spec.h"

namespace deepthin::explorer {

struct SocDifference {
  std::string name;                // "dram.read_bandwidth_bytes_per_s", "compute.f16..."
  std::optional<SourcedNumber> a;  // absent where only the other has it
  std::optional<SourcedNumber> b;

  // b's value in a's; absent where one is absent or a's is 0.
  [[nodiscard]] std::optional<double> ratio() const;
};

struct SocDiff {
  std::vector<SocDifference> values;
  std::vector<std::string> replacements;  // "sram: lru, pinned"
  size_t only_source_or_range = 0;        // numbers whose values are equal

  [[nodiscard]] bool empty() const {
    return values.empty() && replacements.empty() && only_source_or_range == 0;
  }
};

// Names, descriptions and residuals are no difference.
[[nodiscard]] SocDiff Diff(const SocSpec& a, const SocSpec& b);

}  // namespace deepthin::explorer

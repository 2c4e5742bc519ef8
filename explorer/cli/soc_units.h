// Hardware numbers in the units that people use for them, by the unit that a key ends in.
#pragma once

#include <string>
#include <string_view>

namespace deepthin::explorer {

struct HumanUnit {
  std::string_view name;  // "GB/s"
  double per_base = 1;    // in base units: 1e9
};

// The unit for a number of this size under this key ("levels.0.capacity_bytes"): capacities are
// binary (MiB), rates decimal (GB/s, GMAC/s), energies of a byte or MAC in pJ, a battery's in Wh.
[[nodiscard]] HumanUnit UnitOf(std::string_view path, double value);

[[nodiscard]] std::string InUnit(double value, const HumanUnit& unit);    // 16.135
[[nodiscard]] std::string WithUnit(std::string_view path, double value);  // 16.135 GB/s

}  // namespace deepthin::explorer

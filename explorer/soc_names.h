// What the numbers of a SoC are called where two SoCs are compared, and where a user asks for one.
// A number has its place in the JSON form ("levels.0.capacity_bytes", sources.h); these names say
// what it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/soc_spec.h"

namespace deepthin::explorer {

// Each level by its kind: "sram" is the last one before DRAM, "sram-1" the one before it; "dram",
// "flash".
[[nodiscard]] std::vector<std::string> LevelKindNames(const SocSpec& soc);

// "levels.0.capacity_bytes" -> "sram.capacity_bytes", and "compute.1.peak_macs_per_s" ->
// "compute.f32.peak_macs_per_s".
[[nodiscard]] std::string KindName(const SocSpec& soc, std::string_view path);

// The same by the level's own name: "slc.capacity_bytes".
[[nodiscard]] std::string OwnName(const SocSpec& soc, std::string_view path);

// "sram.capacity_bytes" -> "sram.capacity".
[[nodiscard]] std::string WithoutUnit(std::string_view name);

}  // namespace deepthin::explorer

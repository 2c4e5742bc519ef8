#include "explorer/cli/soc_units.h"

#include <fmt/format.h>

namespace deepthin::explorer {
namespace {

struct Row {
  std::string_view ending;
  HumanUnit unit;
};

// The longest ending that fits comes first.
constexpr Row kUnits[] = {
    {"_bytes_per_s", {"GB/s", 1e9}},
    {"_macs_per_s", {"GMAC/s", 1e9}},
    {"_j_per_byte", {"pJ/B", 1e-12}},
    {"_j_per_mac", {"pJ/MAC", 1e-12}},
    {"_share", {"%", 0.01}},
    {"_s", {"us", 1e-6}},
    {"_j", {"Wh", 3600}},
};

}  // namespace

HumanUnit UnitOf(std::string_view path, double value) {
  if (path.ends_with("_bytes")) {
    if (value >= 0x1p30) return {"GiB", 0x1p30};
    return {"MiB", 0x1p20};
  }
  for (const Row& row : kUnits) {
    if (path.ends_with(row.ending)) return row.unit;
  }
  return {"", 1};
}

std::string InUnit(double value, const HumanUnit& unit) {
  return fmt::format("{:.5g}", value / unit.per_base);
}

std::string WithUnit(std::string_view path, double value) {
  const HumanUnit unit = UnitOf(path, value);
  return fmt::format("{} {}", InUnit(value, unit), unit.name);
}

}  // namespace deepthin::explorer

// The units in which people give values, by what is measured. Capacities may be binary or decimal,
// as the unit says (docs/units.md).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace deepthin::explorer {

enum class Dimension {
  kCount,  // tokens, requests: whole numbers without a unit
  kBytes,
  kBytesPerSecond,
  kMacsPerSecond,
  kSeconds,
  kJoules,
  kJoulesPerByte,
  kJoulesPerMac,
  kShare,
};

struct Unit {
  std::string_view name;
  double per_base = 1;  // in base units
};

// Of a number whose key ends in its unit ("levels.0.capacity_bytes"); kCount without an ending.
[[nodiscard]] Dimension DimensionOf(std::string_view path);

[[nodiscard]] std::span<const Unit> UnitsOf(Dimension dimension);
// "a size with its unit (B, kB, ...), as 8MiB", for messages.
[[nodiscard]] std::string Expected(Dimension dimension);

// A number as it was written, and the unit behind it.
struct Amount {
  double number = 0;
  std::optional<Unit> unit;  // absent where none was written

  // In base units.
  [[nodiscard]] double value() const { return unit ? number * unit->per_base : number; }
};

// "8MiB", "8 MiB", "8". Absent where the text is no finite number of 0 or more, or has a unit of
// another dimension behind it.
[[nodiscard]] std::optional<Amount> ParseAmount(std::string_view text, Dimension dimension);

}  // namespace deepthin::explorer

// Axis: the values that one parameter takes, from a text as --vary has it.
//
//   sram.capacity=1MiB..64MiB      a range: geometric, doubling where that fits
//   context=128..4096:9            the same in 9 points
//   weights=f16,int8,q4_0          a list
//   fixed.per_token=0us..20us      a range from 0 is linear
#pragma once

#include <string_view>
#include <vector>

#include "explorer/whatif/parameter.h"

namespace deepthin::explorer {

struct Axis {
  Parameter parameter;
  std::vector<Setting> values;  // of a range ascending, of a list in its order
  bool is_range = false;
  std::optional<Unit> unit{};  // that the values are shown in: the first one's

  // REQUIRES: is_range.
  [[nodiscard]] double low() const { return values.front().number; }
  [[nodiscard]] double high() const { return values.back().number; }
};

inline constexpr int64_t kMostValues = 1'000;  // of one axis

// Throws InputError at `where`: an unknown name, a unit of another kind or none, an empty range, a
// value given twice, too many points.
[[nodiscard]] Axis ParseAxis(const SocSpec& soc, std::string_view text,
                             const InputError::Where& where);

// n values from low to high, geometric, or linear from 0; without n about one for each doubling.
// With a unit, inner values are rounded to three digits of it unless they double; whole numbers are
// rounded to whole ones; values that coincide are taken once. REQUIRES: 0 <= low < high, n >= 2.
[[nodiscard]] std::vector<double> RangeValues(double low, double high, std::optional<int64_t> n,
                                              std::optional<double> unit, bool integral);

// A further value of the axis's parameter, shown in the axis's unit.
[[nodiscard]] Setting SettingOf(const Axis& axis, double number);

}  // namespace deepthin::explorer

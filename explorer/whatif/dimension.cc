#include "explorer/whatif/dimension.h"

#include <array>
#include <charconv>
#include <cmath>

namespace deepthin::explorer {
namespace {

constexpr std::array kSizes = {Unit{"B", 1},       Unit{"kB", 1e3},     Unit{"MB", 1e6},
                               Unit{"GB", 1e9},    Unit{"KiB", 0x1p10}, Unit{"MiB", 0x1p20},
                               Unit{"GiB", 0x1p30}};
constexpr std::array kBandwidths = {Unit{"B/s", 1}, Unit{"MB/s", 1e6}, Unit{"GB/s", 1e9},
                                    Unit{"TB/s", 1e12}};
constexpr std::array kRates = {Unit{"MAC/s", 1}, Unit{"MMAC/s", 1e6}, Unit{"GMAC/s", 1e9},
                               Unit{"TMAC/s", 1e12}};
constexpr std::array kTimes = {Unit{"s", 1}, Unit{"ms", 1e-3}, Unit{"us", 1e-6}, Unit{"ns", 1e-9}};
constexpr std::array kEnergies = {Unit{"J", 1}, Unit{"kJ", 1e3}, Unit{"Wh", 3600}};
constexpr std::array kEnergiesPerByte = {Unit{"J/B", 1}, Unit{"nJ/B", 1e-9}, Unit{"pJ/B", 1e-12}};
constexpr std::array kEnergiesPerMac = {Unit{"J/MAC", 1}, Unit{"nJ/MAC", 1e-9},
                                        Unit{"pJ/MAC", 1e-12}};

constexpr std::array kShares = {Unit{"%", 0.01}};

struct Row {
  Dimension dimension;
  std::string_view ending;  // of keys in JSON; the longest that fits comes first
  std::span<const Unit> units;
  std::string_view what;
  std::string_view example;
};

constexpr std::array kRows = {
    Row{Dimension::kBytesPerSecond, "_bytes_per_s", kBandwidths, "a bandwidth", "16.1GB/s"},
    Row{Dimension::kMacsPerSecond, "_macs_per_s", kRates, "a rate of multiplication", "685GMAC/s"},
    Row{Dimension::kJoulesPerByte, "_j_per_byte", kEnergiesPerByte, "an energy", "40pJ/B"},
    Row{Dimension::kJoulesPerMac, "_j_per_mac", kEnergiesPerMac, "an energy", "5.8pJ/MAC"},
    Row{Dimension::kShare, "_share", kShares, "a share", "25%"},
    Row{Dimension::kBytes, "_bytes", kSizes, "a size", "8MiB"},
    Row{Dimension::kSeconds, "_s", kTimes, "a time", "5us"},
    Row{Dimension::kJoules, "_j", kEnergies, "an energy", "12.4Wh"},
};

const Row* Find(Dimension dimension) {
  for (const Row& row : kRows) {
    if (row.dimension == dimension) return &row;
  }
  return nullptr;
}

}  // namespace

Dimension DimensionOf(std::string_view path) {
  for (const Row& row : kRows) {
    if (path.ends_with(row.ending)) return row.dimension;
  }
  return Dimension::kCount;
}

std::span<const Unit> UnitsOf(Dimension dimension) {
  const Row* const row = Find(dimension);
  return row == nullptr ? std::span<const Unit>() : row->units;
}

std::string Expected(Dimension dimension) {
  const Row* const row = Find(dimension);
  if (row == nullptr) return "a whole number of at least 1";
  std::string names;
  for (const Unit& unit : row->units) names += (names.empty() ? "" : ", ") + std::string(unit.name);
  return std::string(row->what) + " with its unit (" + names + "), as " + std::string(row->example);
}

std::optional<Amount> ParseAmount(std::string_view text, Dimension dimension) {
  Amount amount;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, amount.number);
  if (error != std::errc() || !std::isfinite(amount.number) || amount.number < 0)
    return std::nullopt;
  std::string_view suffix(stop, static_cast<size_t>(end - stop));
  while (suffix.starts_with(' ')) suffix.remove_prefix(1);
  if (suffix.empty()) return amount;
  for (const Unit& unit : UnitsOf(dimension)) {
    if (suffix != unit.name) continue;
    amount.unit = unit;
    return amount;
  }
  return std::nullopt;
}

}  // namespace deepthin::explorer

#include "explorer/cli/human.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <span>

#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

struct Scale {
  std::string_view suffix;
  double factor;
};

constexpr Scale kCounts[] = {{"", 1}, {"K", 1e3}, {"M", 1e6}, {"B", 1e9}};
constexpr Scale kShares[] = {{"", 1}, {"%", 1e-2}};
constexpr Scale kTimes[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}};
constexpr Scale kBytes[] = {{"B", 1},        {"kB", 1e3},     {"MB", 1e6},    {"GB", 1e9},
                            {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}};

double Scaled(std::string_view text, std::span<const Scale> scales, const std::string& option,
              std::string_view expected) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  std::string_view suffix(stop, static_cast<size_t>(end - stop));
  while (suffix.starts_with(' ')) suffix.remove_prefix(1);
  for (const Scale& scale : scales) {
    const double scaled = value * scale.factor;
    if (error == std::errc() && suffix == scale.suffix && scaled > 0 && scaled < 0x1p62)
      return scaled;
  }
  throw InputError({"command line", "--" + option}, "is '" + std::string(text) + "'",
                   std::string(expected));
}

}  // namespace

std::string HumanCount(int64_t count) {
  const auto value = static_cast<double>(count);
  if (count >= 1'000'000'000) return fmt::format("{:.2f}B", value * 1e-9);
  if (count >= 1'000'000) return fmt::format("{:.1f}M", value * 1e-6);
  if (count >= 1'000) return fmt::format("{:.1f}K", value * 1e-3);
  return fmt::format("{}", count);
}

std::string HumanBytes(Bytes bytes) {
  const auto value = static_cast<double>(bytes.value());
  if (value >= 1e9) return fmt::format("{:.2f} GB", value * 1e-9);
  if (value >= 1e6) return fmt::format("{:.1f} MB", value * 1e-6);
  if (value >= 1e3) return fmt::format("{:.1f} kB", value * 1e-3);
  return fmt::format("{} B", bytes.value());
}

std::string HumanTime(Seconds time) {
  const double s = time.value();
  if (s >= 1) return fmt::format("{:.2f} s", s);
  if (s >= 1e-3) return fmt::format("{:.2f} ms", s * 1e3);
  return fmt::format("{:.1f} us", s * 1e6);
}

std::string HumanClock(Seconds duration) {
  const auto s = static_cast<int64_t>(std::lround(duration.value()));
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string HumanRate(double per_second) {
  return per_second < 1000 ? fmt::format("{:.3g}", per_second) : fmt::format("{:.0f}", per_second);
}

std::string HumanMilliseconds(double seconds) {
  const double ms = seconds * 1e3;
  return ms > 0 && ms < 0.1 ? fmt::format("{:.4f}", ms) : fmt::format("{:.2f}", ms);
}

std::string HumanCapacity(Bytes bytes) {
  const auto value = static_cast<double>(bytes.value());
  if (value >= 0x1p30) return fmt::format("{:.5g} GiB", value / 0x1p30);
  if (value >= 0x1p20) return fmt::format("{:.5g} MiB", value / 0x1p20);
  return fmt::format("{:.5g} KiB", value / 0x1p10);
}

std::string PrecisionText(const Precision& precision) {
  for (const NamedPrecision& known : kPrecisions) {
    if (known.precision == precision) return std::string(known.name);
  }
  return fmt::format("{} (embedding {}, activations {}, KV {})", ToText(precision.weights),
                     ToText(precision.embedding), ToText(precision.activations),
                     ToText(precision.kv));
}

int64_t CountFromText(std::string_view text, const std::string& option) {
  return std::llround(Scaled(text, kCounts, option, "a count such as 125M or 1.5B"));
}

Seconds TimeFromText(std::string_view text, const std::string& option) {
  return Seconds(Scaled(text, kTimes, option, "a time such as 15ms or 2s"));
}

Bytes BytesFromText(std::string_view text, const std::string& option) {
  return Bytes(std::llround(Scaled(text, kBytes, option, "a size such as 512MiB or 4GB")));
}

double ShareFromText(std::string_view text, const std::string& option) {
  static constexpr const char* kExpected = "a share of at most 100%, such as 10%";
  const double share = Scaled(text, kShares, option, kExpected);
  if (share > 1)
    throw InputError({"command line", "--" + option}, "is '" + std::string(text) + "'", kExpected);
  return share;
}

}  // namespace deepthin::explorer

#include "explorer/soc_diff.h"

#include <algorithm>

#include "explorer/soc_names.h"

namespace deepthin::explorer {
namespace {

// The numbers, under names by which those of another SoC are found.
std::vector<SocDifference> Named(const SocSpec& soc) {
  std::vector<SocDifference> out;
  for (const SourcedNumber& number : SourcedNumbers(soc)) {
    out.push_back({.name = KindName(soc, number.path), .a = number, .b = {}});
  }
  return out;
}

template <class T>
auto Find(T& list, const std::string& name) {
  return std::find_if(list.begin(), list.end(), [&](const auto& d) { return d.name == name; });
}

std::vector<std::string> Replacements(const SocSpec& a, const SocSpec& b) {
  std::vector<std::string> out;
  const std::vector<std::string> names_a = LevelKindNames(a);
  const std::vector<std::string> names_b = LevelKindNames(b);
  for (size_t i = 0; i < a.levels.size(); ++i) {
    const auto found = std::find(names_b.begin(), names_b.end(), names_a[i]);
    if (found == names_b.end() || a.levels[i].kind != LevelKind::kSram) continue;
    const MemoryLevel& other = b.levels[static_cast<size_t>(found - names_b.begin())];
    if (other.replacement == a.levels[i].replacement) continue;
    out.push_back(names_a[i] + ": " + std::string(ToText(a.levels[i].replacement)) + ", " +
                  std::string(ToText(other.replacement)));
  }
  return out;
}

bool SameProvenance(const SourcedNumber& a, const SourcedNumber& b) {
  return a.source == b.source && a.low == b.low && a.high == b.high;
}

}  // namespace

std::optional<double> SocDifference::ratio() const {
  if (!a || !b || a->value == 0) return std::nullopt;
  return b->value / a->value;
}

SocDiff Diff(const SocSpec& a, const SocSpec& b) {
  SocDiff out;
  out.replacements = Replacements(a, b);
  std::vector<SocDifference> numbers = Named(a);
  for (const SocDifference& other : Named(b)) {
    const auto found = Find(numbers, other.name);
    if (found != numbers.end()) {
      found->b = other.a;
    } else {
      numbers.push_back({.name = other.name, .a = {}, .b = other.a});
    }
  }
  for (const SocDifference& number : numbers) {
    if (!number.a || !number.b || number.a->value != number.b->value) {
      out.values.push_back(number);
    } else if (!SameProvenance(*number.a, *number.b)) {
      ++out.only_source_or_range;
    }
  }
  return out;
}

}  // namespace deepthin::explorer

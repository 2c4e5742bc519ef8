#include "explorer/cli/leanings.h"

#include <fmt/format.h>

#include <algorithm>

namespace deepthin::explorer {

std::string LeaningSentence(const SocSpec& soc, std::span<const Leaning> leanings) {
  constexpr size_t kMostShown = 3;
  const auto numbers = SourcedNumbers(soc);
  std::string text = fmt::format("{}: {} of its {} numbers are assumed (--sources lists them); ",
                                 soc.name, CountAssumed(numbers), numbers.size());
  if (leanings.empty()) return text + "none of their ranges moves a decoded token by 1 %";
  text += "a decoded token leans on ";
  for (size_t i = 0; i < std::min(leanings.size(), kMostShown); ++i) {
    const auto [least, most] = std::minmax(leanings[i].at_low, leanings[i].at_high);
    text += fmt::format("{}{} ({:+.0f} to {:+.0f} %)", i > 0 ? ", " : "", leanings[i].number.path,
                        100 * least, 100 * most);
  }
  if (leanings.size() > kMostShown)
    text += fmt::format(" and {} more", leanings.size() - kMostShown);
  return text;
}

Json LeaningsAsJson(std::span<const Leaning> leanings) {
  Json rows = Json::array();
  for (const Leaning& leaning : leanings) {
    rows.push_back({{"path", leaning.number.path},
                    {"relative_change_at_low", leaning.at_low},
                    {"relative_change_at_high", leaning.at_high}});
  }
  return rows;
}

}  // namespace deepthin::explorer

#include "explorer/whatif/spelling.h"

#include <algorithm>
#include <vector>

namespace deepthin::explorer {

size_t SpellingDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string NearNames(std::string_view text, std::span<const std::string> names) {
  constexpr size_t kMostNear = 3;
  constexpr size_t kMostCompared = 100;  // longer texts are no misspelling of ours
  struct Near {
    size_t distance;
    std::string name;
  };
  std::vector<Near> near;
  for (const std::string& name : names) {
    if (text.size() > kMostCompared) break;
    const size_t distance = SpellingDistance(text, name);
    // Part of a name counts as near: "capacity", "bandwidth".
    const bool part = text.size() > 2 && name.find(text) != std::string::npos;
    if (distance <= std::max<size_t>(2, text.size() / 3) || part)
      near.push_back({part ? 0 : distance, name});
  }
  std::stable_sort(near.begin(), near.end(), [](const Near& a, const Near& b) {
    if (a.distance != b.distance) return a.distance < b.distance;
    return a.distance == 0 && a.name.size() < b.name.size();
  });
  std::vector<std::string> chosen;
  for (size_t i = 0; i < std::min(near.size(), kMostNear); ++i) chosen.push_back(near[i].name);
  if (chosen.empty()) chosen.assign(names.begin(), names.end());
  std::string out;
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (i > 0) out += i + 1 == chosen.size() ? " or " : ", ";
    out += chosen[i];
  }
  return out;
}

}  // namespace deepthin::explorer

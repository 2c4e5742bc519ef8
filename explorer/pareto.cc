#include "explorer/pareto.h"

namespace deepthin::explorer {
namespace {

bool Dominates(const std::vector<double>& a, const std::vector<double>& b) {
  bool better = false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
    better = better || a[i] < b[i];
  }
  return better;
}

}  // namespace

std::vector<size_t> ParetoFront(std::span<const std::vector<double>> rows) {
  std::vector<size_t> front;
  for (size_t i = 0; i < rows.size(); ++i) {
    // Domination is transitive, so a row need only be compared with the front so far.
    bool dominated = false;
    for (const size_t member : front) dominated = dominated || Dominates(rows[member], rows[i]);
    if (dominated) continue;
    std::erase_if(front, [&](size_t member) { return Dominates(rows[i], rows[member]); });
    front.push_back(i);
  }
  return front;
}

}  // namespace deepthin::explorer

// Which hardware numbers a result leans on, and where each comes from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spec/cost_estimate.h"
#include "spec/problem.h"
#include "spec/soc_spec.h"

namespace deepthin::explorer {

struct SourcedNumber {
  std::string path;  // "levels.0.capacity_bytes", as overrides name it
  double value = 0;  // in the base unit that the path ends in
  std::string source;
  std::optional<double> low;
  std::optional<double> high;

  [[nodiscard]] bool is_assumed() const { return source.starts_with("assumed"); }
  // Both ends are stated, and they differ.
  [[nodiscard]] bool has_range() const { return low && high && *low < *high; }
};

// Every number of the SocSpec, in the order of its JSON form.
[[nodiscard]] std::vector<SourcedNumber> SourcedNumbers(const SocSpec& soc);

[[nodiscard]] size_t CountAssumed(const std::vector<SourcedNumber>& numbers);

// What an assumed number does to an estimate: the relative change of the time of a decoded token
// with the number at either end of its range, all others as they are.
struct Leaning {
  SourcedNumber number;
  double at_low = 0;
  double at_high = 0;

  [[nodiscard]] double swing() const;  // the larger of the two, without its sign
};

// The assumed numbers with a range that move a decoded token by at least `least`, largest swing
// first. REQUIRES: the problem is valid.
[[nodiscard]] std::vector<Leaning> LeansOn(const Problem& problem, const CostEstimate& estimate,
                                           double least = 0.01);

// Adds those of another estimate; of two of the same number the larger swing stays.
void MergeLeanings(std::vector<Leaning>& all, const std::vector<Leaning>& others);

}  // namespace deepthin::explorer

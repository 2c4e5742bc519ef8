// Pairs of one budget over several sets of trained models, taken together: what a user who must
// choose between two models of one budget would have been told rightly. Models are only compared
// within their set.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "explorer/accuracy/ranking.h"
#include "spec/fields.h"

namespace deepthin::explorer {

// A set with a score of each row by a proxy and by the baseline.
struct ScoredSet {
  RankedRows rows;
  std::vector<double> scores;
  std::vector<double> baseline;
};

enum class Budget { kDecoder, kTotal };

struct PooledPairs {
  int64_t pairs = 0;
  Figure accuracy;  // share of all pairs that the proxy orders rightly
  Figure baseline;  // the same pairs, by the baseline
  Figure gain;      // the one less the other, on the same resamples

  friend bool operator==(const PooledPairs&, const PooledPairs&) = default;
};

// A set weighs as much as it has pairs. Intervals are from resamples of the rows within each set.
// REQUIRES: as many scores as rows.
[[nodiscard]] PooledPairs PoolPairs(std::span<const ScoredSet> sets, Budget budget,
                                    const BootstrapOptions& options);

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::PooledPairs> {
  using S = explorer::PooledPairs;
  static constexpr auto kList =
      std::tuple(Field("pairs", &S::pairs, "of one budget"),
                 Field("accuracy", &S::accuracy, "share ordered rightly"),
                 Field("baseline", &S::baseline, "the same by the baseline"),
                 Field("gain", &S::gain, "the one less the other"));
};

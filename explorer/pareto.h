// The Pareto front: what no other candidate beats in every objective.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace deepthin::explorer {

// rows[i] holds the objectives of candidate i, all to be made small (negate what should be large),
// all finite. Returns the indices of the rows that no row dominates, in order; equal rows all stay.
// REQUIRES: all rows have the same length.
[[nodiscard]] std::vector<size_t> ParetoFront(std::span<const std::vector<double>> rows);

}  // namespace deepthin::explorer

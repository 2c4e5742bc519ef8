// Statistics that an outlier does not move, for timing samples on shared machines.
#pragma once

#include <span>

namespace deepthin {

// REQUIRES: samples is not empty. The mean of the middle two where the count is even.
[[nodiscard]] double Median(std::span<const double> samples);

// The least sample that at least this share of the samples does not exceed (nearest rank): always a
// sample itself. REQUIRES: samples is not empty, 0 < share <= 1.
[[nodiscard]] double Quantile(std::span<const double> samples, double share);

// Median absolute deviation from the median, not scaled. REQUIRES: samples is not empty.
[[nodiscard]] double Mad(std::span<const double> samples);

}  // namespace deepthin

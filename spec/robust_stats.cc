#include "spec/robust_stats.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "spec/errors.h"

namespace deepthin {

double Median(std::span<const double> samples) {
  DEEPTHIN_CHECK(!samples.empty());
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle]);
}

double Quantile(std::span<const double> samples, double share) {
  DEEPTHIN_CHECK(!samples.empty() && share > 0 && share <= 1);
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  // Just below, so that 0.95 x 20, which is a little above 19 in doubles, is the 19th.
  const double rank = std::ceil(share * static_cast<double>(sorted.size()) - 1e-9);
  return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

double Mad(std::span<const double> samples) {
  const double median = Median(samples);
  std::vector<double> deviations;
  deviations.reserve(samples.size());
  for (const double sample : samples) deviations.push_back(std::abs(sample - median));
  return Median(deviations);
}

}  // namespace deepthin

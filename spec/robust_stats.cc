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

double Mad(std::span<const double> samples) {
  const double median = Median(samples);
  std::vector<double> deviations;
  deviations.reserve(samples.size());
  for (const double sample : samples) deviations.push_back(std::abs(sample - median));
  return Median(deviations);
}

}  // namespace deepthin

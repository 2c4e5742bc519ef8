#include "explorer/accuracy/seed_mean.h"

#include <cmath>

#include "spec/errors.h"

namespace deepthin::explorer {

SeedMean MeanOverSeeds(std::span<const double> values) {
  DEEPTHIN_CHECK(!values.empty());
  const auto n = static_cast<double>(values.size());
  SeedMean result;
  for (const double value : values) result.mean += value / n;
  if (values.size() == 1) return result;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.standard_error = std::sqrt(squares / (n - 1) / n);
  return result;
}

}  // namespace deepthin::explorer

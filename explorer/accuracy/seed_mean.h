// The mean of what several seeds gave.
#pragma once

#include <optional>
#include <span>

namespace deepthin::explorer {

struct SeedMean {
  double mean = 0;
  std::optional<double> standard_error{};  // of the mean; absent with one seed
};

// The standard error is the samples' deviation (n - 1) over the root of n. REQUIRES: one or more.
[[nodiscard]] SeedMean MeanOverSeeds(std::span<const double> values);

}  // namespace deepthin::explorer

#include "explorer/whatif/low_discrepancy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace deepthin::explorer {
namespace {

TEST(ScrambledHalton, EveryRunHasOnePointInEachInterval) {
  constexpr int64_t kBases[] = {2, 3, 5, 7, 11};
  const ScrambledHalton points(5, 42);
  for (size_t d = 0; d < 5; ++d) {
    const int64_t run = kBases[d] * kBases[d] * kBases[d];
    for (int64_t start = 0; start < 3 * run; start += run) {
      std::set<int64_t> intervals;
      for (int64_t i = start; i < start + run; ++i) {
        const double at = points.At(i, d);
        ASSERT_GE(at, 0);
        ASSERT_LT(at, 1);
        // Points lie inside their intervals by far more than rounding moves them.
        intervals.insert(static_cast<int64_t>(at * static_cast<double>(run) * (1 + 1e-13)));
      }
      EXPECT_EQ(intervals.size(), static_cast<size_t>(run)) << "base " << kBases[d];
    }
  }
}

TEST(ScrambledHalton, FollowsItsSeed) {
  const ScrambledHalton a(3, 1);
  const ScrambledHalton b(3, 1);
  const ScrambledHalton c(3, 2);
  bool differs = false;
  for (int64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(a.At(i, 2), b.At(i, 2));
    differs = differs || a.At(i, 2) != c.At(i, 2);
  }
  EXPECT_TRUE(differs);
}

TEST(ScrambledHalton, IntegratesBetterThanChance) {
  // The mean of a product of ten factors of mean 1; random points are off by 0.026 on average.
  constexpr size_t kDimensions = 10;
  const ScrambledHalton points(kDimensions, 7);
  double mean = 0;
  constexpr int64_t kPoints = 4'096;
  for (int64_t i = 0; i < kPoints; ++i) {
    double product = 1;
    for (size_t d = 0; d < kDimensions; ++d) product *= 0.5 + points.At(i, d);
    mean += product / static_cast<double>(kPoints);
  }
  EXPECT_NEAR(mean, 1, 0.01);
}

TEST(ScrambledHalton, DimensionsDoNotMoveInStep) {
  // Without scrambling the first points of neighbouring large primes all but coincide.
  const ScrambledHalton points(40, 3);
  double sum = 0;
  for (int64_t i = 0; i < 1'000; ++i) sum += (points.At(i, 38) - 0.5) * (points.At(i, 39) - 0.5);
  EXPECT_LT(std::abs(sum / 1'000 * 12), 0.15) << "the correlation";
}

}  // namespace
}  // namespace deepthin::explorer

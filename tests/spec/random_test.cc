#include "spec/random.h"

#include <gtest/gtest.h>

namespace deepthin {
namespace {

// First outputs of the reference implementation (Vigna, prng.di.unimi.it/splitmix64.c), seed
// 1234567.
TEST(SplitMix64Test, GivesTheReferenceSequence) {
  SplitMix64 random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317u);
  EXPECT_EQ(random.Next(), 3203168211198807973u);
  EXPECT_EQ(random.Next(), 9817491932198370423u);
}

TEST(SplitMix64Test, StaysInItsRanges) {
  SplitMix64 random(7);
  bool seen[5] = {};
  for (int i = 0; i < 10'000; ++i) {
    const double unit = random.NextUnit();
    ASSERT_GE(unit, 0.0);
    ASSERT_LT(unit, 1.0);
    const int64_t below = random.NextBelow(5);
    ASSERT_GE(below, 0);
    ASSERT_LT(below, 5);
    seen[below] = true;
  }
  for (const bool value : seen) EXPECT_TRUE(value);
}

}  // namespace
}  // namespace deepthin

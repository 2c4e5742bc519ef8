#include "explorer/soc_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "costmodel/soc_presets.h"

namespace deepthin::explorer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

SocSpec Soc(const std::string& argument) { return costmodel::SocFromArgument(argument); }

std::vector<std::string> NamesOf(const SocDiff& diff) {
  std::vector<std::string> names;
  for (const SocDifference& number : diff.values) names.push_back(number.name);
  return names;
}

TEST(SocDiff, APresetAndItselfDoNotDiffer) {
  for (const auto& preset : costmodel::SocPresets())
    EXPECT_TRUE(Diff(preset.spec, preset.spec).empty()) << preset.name;
}

TEST(SocDiff, NamesWhatWasChangedWithItsRatio) {
  const SocDiff diff =
      Diff(Soc("iphone-13"), Soc("iphone-13:levels.0.capacity_bytes=16777216,"
                                 "levels.0.replacement=pinned,compute.1.peak_macs_per_s=1.37e12"));
  EXPECT_THAT(NamesOf(diff), ElementsAre("sram.capacity_bytes", "compute.f32.peak_macs_per_s"));
  EXPECT_DOUBLE_EQ(*diff.values[0].ratio(), 0.5);
  EXPECT_DOUBLE_EQ(*diff.values[1].ratio(), 2);
  EXPECT_THAT(diff.replacements, ElementsAre("sram: lru, pinned"));
}

TEST(SocDiff, EqualNumbersOfAnotherSourceAreCounted) {
  const SocDiff diff = Diff(Soc("iphone-13"), Soc("iphone-13:levels.0.capacity_bytes=33554432"));
  EXPECT_THAT(diff.values, IsEmpty());
  EXPECT_EQ(diff.only_source_or_range, 1u);
  EXPECT_FALSE(diff.empty());
}

TEST(SocDiff, MatchesLevelsByKindAndRatesByFormat) {
  const SocDiff diff = Diff(Soc("raspberry-pi-5"), Soc("iphone-13"));
  const auto names = NamesOf(diff);
  EXPECT_THAT(names, Contains("dram.read_bandwidth_bytes_per_s"));
  EXPECT_THAT(names, Contains("sram-1.capacity_bytes")) << "its inner level has no match";
  for (const SocDifference& number : diff.values) {
    if (number.name == "dram.read_bandwidth_bytes_per_s") {
      EXPECT_NEAR(*number.ratio(), 1.3, 0.2);
    }
    if (number.name == "sram.capacity_bytes") {
      EXPECT_DOUBLE_EQ(*number.ratio(), 8);
    }
    if (number.name == "compute.int8.peak_macs_per_s") {
      EXPECT_FALSE(number.b.has_value());
    }
    if (number.name == "battery_j") {
      EXPECT_FALSE(number.a.has_value());
    }
  }
}

TEST(SocDiff, IsAntisymmetric) {
  const SocDiff there = Diff(Soc("iphone-13"), Soc("pixel-8"));
  const SocDiff back = Diff(Soc("pixel-8"), Soc("iphone-13"));
  ASSERT_EQ(there.values.size(), back.values.size());
  for (const SocDifference& number : there.values) {
    if (!number.ratio()) continue;
    for (const SocDifference& other : back.values) {
      if (other.name != number.name || !other.ratio()) continue;
      EXPECT_NEAR(*number.ratio() * *other.ratio(), 1, 1e-12) << number.name;
    }
  }
}

}  // namespace
}  // namespace deepthin::explorer

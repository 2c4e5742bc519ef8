#include "explorer/cli/soc_units.h"

#include <gtest/gtest.h>

#include "costmodel/soc_presets.h"
#include "explorer/sources.h"

namespace deepthin::explorer {
namespace {

TEST(SocUnits, AreThoseThatPeopleUse) {
  EXPECT_EQ(WithUnit("levels.0.capacity_bytes", 33554432), "32 MiB");
  EXPECT_EQ(WithUnit("levels.1.capacity_bytes", 3221225472), "3 GiB");
  EXPECT_EQ(WithUnit("levels.1.read_bandwidth_bytes_per_s", 1.6135e10), "16.135 GB/s");
  EXPECT_EQ(WithUnit("levels.1.read_energy_j_per_byte", 4e-11), "40 pJ/B");
  EXPECT_EQ(WithUnit("compute.0.peak_macs_per_s", 6.85e11), "685 GMAC/s");
  EXPECT_EQ(WithUnit("compute.0.energy_j_per_mac", 3e-13), "0.3 pJ/MAC");
  EXPECT_EQ(WithUnit("fixed.per_executed_block_s", 5.485e-06), "5.485 us");
  EXPECT_EQ(WithUnit("battery_j", 44676), "12.41 Wh");
}

TEST(SocUnits, EveryNumberOfAPresetHasOne) {
  for (const auto& preset : costmodel::SocPresets()) {
    for (const SourcedNumber& number : SourcedNumbers(preset.spec))
      EXPECT_NE(UnitOf(number.path, number.value).name, "") << number.path;
  }
}

}  // namespace
}  // namespace deepthin::explorer

#include "explorer/sources.h"

#include <gtest/gtest.h>

#include "costmodel/soc_presets.h"

namespace deepthin::explorer {
namespace {

TEST(SourcedNumbers, FindsEveryNumberOfASpec) {
  SocSpec soc = costmodel::SocFromArgument("iphone-13");
  const auto before = SourcedNumbers(soc);
  // Three numbers for each level, one for each compute rate, three fixed costs; energies where
  // stated.
  size_t least = 3 * soc.levels.size() + soc.compute.size() + 3;
  EXPECT_GE(before.size(), least);
  for (const SourcedNumber& number : before) EXPECT_FALSE(number.source.empty()) << number.path;
  EXPECT_EQ(before[0].path, "levels.0.capacity_bytes");
  EXPECT_EQ(before[0].value, static_cast<double>(soc.levels[0].capacity.value.value()));

  soc.levels[0].read_energy = Sourced<JoulesPerByte>{PicojoulesPerByte(1), "assumed: test", {}, {}};
  soc.levels[0].write_energy = soc.levels[0].read_energy;
  const bool had_energy = before.size() > least;
  EXPECT_EQ(SourcedNumbers(soc).size(), had_energy ? before.size() : before.size() + 2);
}

}  // namespace
}  // namespace deepthin::explorer

#include "explorer/whatif/investigate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/explorer/whatif/preset_question.h"

namespace deepthin::explorer {
namespace {

WhatIf Asked(const std::vector<std::string>& axes) {
  WhatIf asked;
  asked.models = {About("mobilellm-125m"), About("mobilellm-ls-125m")};
  for (const std::string& text : axes) {
    asked.axes.push_back(ParseAxis(asked.models[0].problem.soc, text, {}));
  }
  asked.samples = 4;
  return asked;
}

TEST(Investigate, AsksEveryCombination) {
  const WhatIf asked = Asked({"weights=f16,q8_0,q4_0", "context=128..512"});
  const WhatIfResult result = Investigate(asked);
  ASSERT_EQ(result.grid.size(), 3u * asked.axes[1].values.size());
  EXPECT_THAT(result.grid[0].values, testing::ElementsAre(0, 0));
  EXPECT_THAT(result.grid[1].values, testing::ElementsAre(0, 1));
  for (const GridPoint& point : result.grid) {
    ASSERT_EQ(point.answers.size(), 2u);
    for (size_t m = 0; m < 2; ++m)
      EXPECT_EQ(point.answers[m], Ask(At(asked.models[m], asked.axes, point.values)));
  }
  EXPECT_EQ(result.variants.size(), 3u);
  EXPECT_EQ(result.variants[2].text, "q4_0");
  EXPECT_EQ(result.free_repeats.size(), 3u) << "of the LS model alone";
  EXPECT_EQ(result.crossovers.size(), 3u);
  EXPECT_EQ(result.curves.size(), 6u);
  EXPECT_EQ(result.curve_axis, 1u);
  EXPECT_EQ(result.sensitivities.size(), 2u);
  EXPECT_EQ(result.robust.size(), 2u);
}

TEST(Investigate, NothingVariedIsOnePoint) {
  const WhatIfResult result = Investigate(Asked({}));
  EXPECT_EQ(result.grid.size(), 1u);
  EXPECT_FALSE(result.curve_axis.has_value());
  EXPECT_TRUE(result.crossovers.empty());
  EXPECT_EQ(result.variants.size(), 1u);
}

TEST(Investigate, TwoRangesHaveNoCurve) {
  const WhatIfResult result = Investigate(Asked({"context=128..256", "sram.capacity=1..2MiB"}));
  EXPECT_FALSE(result.curve_axis.has_value());
  EXPECT_TRUE(result.curves.empty());
  EXPECT_EQ(result.crossovers.size(), 2u);
}

TEST(Investigate, CurvesPassThroughTheGrid) {
  const WhatIf asked = Asked({"sram.capacity=1MiB..64MiB"});
  const WhatIfResult result = Investigate(asked);
  ASSERT_EQ(result.curve_at.size(), static_cast<size_t>(kCurvePoints));
  EXPECT_EQ(result.curves[1].times.front(), result.grid.front().answers[1].decode);
  EXPECT_EQ(result.curves[1].times.back(), result.grid.back().answers[1].decode);
  ASSERT_EQ(result.cliffs.size(), 2u);
  // Without repeats all that 64 MiB save is the row that is looked up in a table which stays.
  EXPECT_EQ(result.cliffs[0].of.model, 0u);
  ASSERT_EQ(result.cliffs[0].cliffs.size(), 1u);
  const Cliff& row = result.cliffs[0].cliffs[0];
  EXPECT_EQ(row.bytes_before - row.bytes_after, Bytes(2 * 576));
  EXPECT_EQ(result.cliffs[1].of.model, 1u);
  EXPECT_EQ(Bytes(result.cliffs[1].cliffs[0].at), result.free_repeats[0].from);
}

}  // namespace
}  // namespace deepthin::explorer

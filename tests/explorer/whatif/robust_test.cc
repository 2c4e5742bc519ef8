#include "explorer/whatif/robust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "explorer/whatif/crossover.h"
#include "tests/explorer/whatif/preset_question.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;

BoxSide Side(const SocSpec& soc, const std::string& text) { return ParseSide(soc, text, {}); }

TEST(StatedBox, HasTheRangesThatMoveTimes) {
  const auto box = StatedBox(Soc("iphone-13"));
  std::vector<std::string> names;
  for (const BoxSide& side : box) {
    names.push_back(side.parameter.name);
    EXPECT_LT(side.low, side.high);
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"dram.read_bandwidth", "sram.read_bandwidth",
                                            "compute.f16.peak", "fixed.per_executed_block"}));
  for (const std::string& name : names) {
    EXPECT_THAT(name, testing::Not(HasSubstr("energy")));
    EXPECT_THAT(name, testing::Not(HasSubstr("flash")));
  }
  EXPECT_THAT(names, testing::Not(testing::Contains("dram.capacity")));
  EXPECT_THAT(names, testing::Not(testing::Contains("sram.capacity"))) << "it has no range";
}

TEST(ReplaceSide, TakesThePlaceOfWhatMovesTheSameNumber) {
  const SocSpec soc = Soc("iphone-13");
  auto box = StatedBox(soc);
  const size_t before = box.size();
  ReplaceSide(box, Side(soc, "dram.bandwidth=10..20GB/s"));
  EXPECT_EQ(box.size(), before - 1) << "reading and writing in one";
  ReplaceSide(box, Side(soc, "sram.capacity=1..2MiB"));
  EXPECT_EQ(box.size(), before);
}

TEST(ParseSide, RefusesWhatIsNoRangeOfHardware) {
  const SocSpec soc = Soc("iphone-13");
  EXPECT_THROW(Side(soc, "context=1..5"), InputError);
  EXPECT_THROW(Side(soc, "dram.bandwidth=5GB/s"), InputError);
  EXPECT_THROW(Side(soc, "dram.bandwidth=5..1GB/s"), InputError);
}

TEST(AskBox, IsOnePointWithoutABox) {
  const Question fast = About("mobilellm-125m");
  const Question slow = About("mobilellm-350m");
  const std::vector<Question> models = {fast, slow};
  const auto found = AskBox(models, {}, Metric::kDecode, 3, 1);
  EXPECT_EQ(found[0].best_share, 1);
  EXPECT_EQ(found[0].worst_regret, 0);
  EXPECT_EQ(found[1].best_share, 0);
  const double regret = DecodeOf(slow).time / DecodeOf(fast).time - 1;
  EXPECT_DOUBLE_EQ(found[1].median_regret, regret);
  EXPECT_DOUBLE_EQ(found[1].worst_regret, regret);
  EXPECT_EQ(found[1].median_time, DecodeOf(slow).time);
}

// Where one number decides, the share of the box is where on its side the models cross.
TEST(AskBox, SharesAreThoseOfTheCrossover) {
  const Question deep = About("mobilellm-125m");
  const Question wide =
      About("mobilellm-125m:n_blocks=12,d_model=960,n_heads=15,n_kv_heads=5,d_ff=2560");
  const SocSpec& soc = deep.problem.soc;
  const std::string text = "fixed.per_executed_block=1us..10ms";
  const auto crossing = Crossovers(deep, wide, ParseAxis(soc, text, {}), Metric::kDecode);
  ASSERT_EQ(crossing.size(), 1u);
  const double share = std::log(crossing[0].at / 1e-6) / std::log(1e4);
  const std::vector<BoxSide> box = {Side(soc, text)};
  const std::vector<Question> models = {deep, wide};
  const auto found = AskBox(models, box, Metric::kDecode, 1'024, 5);
  EXPECT_NEAR(found[0].best_share, share, 2.0 / 1'024);
  EXPECT_NEAR(found[1].best_share, 1 - share, 2.0 / 1'024);
  EXPECT_GT(found[0].worst_regret, found[0].median_regret);
}

TEST(AskBox, FollowsItsSeedAndTiesCountForEach) {
  const Question question = About("mobilellm-125m");
  const std::vector<Question> models = {question, question};
  const auto box = StatedBox(question.problem.soc);
  const auto a = AskBox(models, box, Metric::kPrefill, 64, 9);
  EXPECT_EQ(a, AskBox(models, box, Metric::kPrefill, 64, 9));
  EXPECT_NE(a, AskBox(models, box, Metric::kPrefill, 64, 10));
  EXPECT_EQ(a[0].best_share, 1);
  EXPECT_EQ(a[1].best_share, 1);
  EXPECT_LT(a[0].low_time, a[0].median_time);
  EXPECT_LT(a[0].median_time, a[0].high_time);
}

}  // namespace
}  // namespace deepthin::explorer

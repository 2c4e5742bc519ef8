#include "explorer/sources.h"

#include <gtest/gtest.h>

#include "costmodel/estimator.h"
#include "costmodel/soc_presets.h"
#include "spec/model_presets.h"

namespace deepthin::explorer {
namespace {

Problem OnSoc(const std::string& soc) {
  return {.model = *ModelPresetByName("mobilellm-125m"),
          .precision = {},
          .soc = costmodel::SocFromArgument(soc),
          .workload = {.prompt_tokens = 64, .generated_tokens = 32, .batch = 1}};
}

TEST(LeansOn, SaysWhatTheEndsOfTheRangesDo) {
  Problem problem = OnSoc("iphone-15");  // limited by DRAM, whose bandwidth is an assumption
  const CostEstimate estimate = costmodel::Estimate(problem);
  const auto leanings = LeansOn(problem, estimate);
  ASSERT_FALSE(leanings.empty());
  const Leaning& first = leanings[0];
  EXPECT_EQ(first.number.path, "levels.1.read_bandwidth_bytes_per_s");
  EXPECT_GT(first.at_low, 0.5) << "slower memory, longer tokens";
  EXPECT_LT(first.at_high, -0.2);
  problem.soc.levels[1].read_bandwidth.value = *problem.soc.levels[1].read_bandwidth.low;
  EXPECT_DOUBLE_EQ(costmodel::Estimate(problem).decode.time / estimate.decode.time - 1,
                   first.at_low);
  for (size_t i = 1; i < leanings.size(); ++i) {
    EXPECT_LE(leanings[i].swing(), leanings[i - 1].swing());
    EXPECT_GE(leanings[i].swing(), 0.01);
    EXPECT_TRUE(leanings[i].number.is_assumed());
  }
}

TEST(LeansOn, DocumentedNumbersAndThoseWithoutARangeAreNoAssumption) {
  Problem problem = OnSoc("iphone-15");
  problem.soc.levels[1].read_bandwidth.source = "a document";
  for (const Leaning& leaning : LeansOn(problem, costmodel::Estimate(problem)))
    EXPECT_NE(leaning.number.path, "levels.1.read_bandwidth_bytes_per_s");
  problem = OnSoc("iphone-15:levels.1.read_bandwidth_bytes_per_s=2e10");
  for (const Leaning& leaning : LeansOn(problem, costmodel::Estimate(problem)))
    EXPECT_NE(leaning.number.path, "levels.1.read_bandwidth_bytes_per_s");
}

TEST(MergeLeanings, KeepsTheLargerSwingOfEachNumber) {
  const auto leaning = [](const char* path, double low, double high) {
    Leaning out;
    out.number.path = path;
    out.at_low = low;
    out.at_high = high;
    return out;
  };
  std::vector<Leaning> all = {leaning("a", 0.2, -0.1)};
  MergeLeanings(all, {leaning("b", 0.1, -0.3), leaning("a", 0.1, -0.15)});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].number.path, "b");
  EXPECT_EQ(all[1].at_low, 0.2);
}

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

  soc.levels[2].read_energy = Sourced<JoulesPerByte>{PicojoulesPerByte(1), "assumed: test", {}, {}};
  soc.levels[2].write_energy = soc.levels[2].read_energy;
  EXPECT_EQ(SourcedNumbers(soc).size(), before.size() + 2);
}

}  // namespace
}  // namespace deepthin::explorer

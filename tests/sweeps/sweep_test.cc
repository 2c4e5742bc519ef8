#include "sweeps/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sweeps/driver.h"
#include "tests/sweeps/depth_sweep.h"

namespace deepthin::sweeps {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string ErrorOf(const Json& definition) {
  try {
    static_cast<void>(PointsOf(SweepFromJson(definition, "my.json"), "my.json"));
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

struct BadDefinition {
  const char* name;
  const char* pointer;  // what of DepthDefinition is replaced, or added
  Json value;
  std::vector<std::string> says;
};

TEST(SweepFromJson, NamesFilePathAndFault) {
  const std::vector<BadDefinition> table = {
      {"unknown key", "/axess", Json::array(), {"axess"}},
      {"text in place of a number",
       "/base/workload/prompt_tokens",
       "8",
       {"/base/workload/prompt_tokens", "\"8\"", "a whole number"}},
      {"unknown model", "/base/model", "mobilellm-7b", {"mobilellm-7b", "mobilellm-125m"}},
      {"unknown SoC", "/base/soc", "abacus", {"abacus", "iphone-13"}},
      {"unknown precision", "/base/precision", "f12", {"/base/precision", "f12", "q4_0"}},
      {"axes of a wrong type", "/axes", "depth", {"/axes"}},
      {"axis without values", "/axes/0/values", Json::array(), {"/axes/0/values"}},
      {"axis on an unknown key", "/axes/0/key", "model.depth", {"model.depth", "n_blocks"}},
      {"value of a wrong type", "/axes/0/values/0", "deep", {"/model/n_blocks", "deep"}},
      {"unknown sampler", "/sampler", "oracle", {"/sampler", "oracle", "grid"}},
      {"no evaluators", "/evaluators", Json::array(), {"/evaluators"}},
  };
  for (const BadDefinition& bad : table) {
    SCOPED_TRACE(bad.name);
    Json definition = DepthDefinition({12, 30});
    definition[Json::json_pointer(bad.pointer)] = bad.value;
    const std::string error = ErrorOf(definition);
    // SoC and model arguments name themselves in place of the file.
    for (const std::string& part : bad.says) EXPECT_THAT(error, HasSubstr(part));
    EXPECT_THAT(error, ::testing::Not(HasSubstr("\n")));
  }
}

TEST(PointsOf, AnInvalidCombinationIsAnInfeasiblePointWithTheReason) {
  Json definition = DepthDefinition({30});
  definition["axes"].push_back({{"key", "model.n_kv_heads"}, {"values", {3, 4}}});
  const auto points = PointsOf(SweepFromJson(definition, "my.json"), "my.json");
  ASSERT_EQ(points.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Problem>(points[0].problem));
  ASSERT_TRUE(std::holds_alternative<results::Infeasible>(points[1].problem));
  EXPECT_THAT(std::get<results::Infeasible>(points[1].problem).reason,
              AllOf(HasSubstr("n_kv_heads"), HasSubstr("divisor of n_heads")));
}

TEST(PointsOf, AppliesAxesAndLabels) {
  Json definition = DepthDefinition({12, 30});
  definition["axes"].push_back({{"key", "model.tie_embeddings"},
                                {"values", {{{"label", "untied"}, {"value", false}}, true}}});
  const auto points = PointsOf(SweepFromJson(definition, "my.json"), "my.json");
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[0].label, "n_blocks=12 untied");
  EXPECT_EQ(points[3].label, "n_blocks=30 tie_embeddings=true");
  const auto& model = std::get<Problem>(points[2].problem).model;
  EXPECT_EQ(model.n_blocks, 30);
  EXPECT_FALSE(model.tie_embeddings);
}

TEST(PointsOf, AHardwareNumberOnAnAxisGetsASource) {
  Json definition = DepthDefinition({30});
  definition["axes"] = {{{"key", "soc.levels.0.capacity_bytes"}, {"values", {1 << 20}}}};
  const auto points = PointsOf(SweepFromJson(definition, "my.json"), "my.json");
  const auto& level = std::get<Problem>(points[0].problem).soc.levels[0];
  EXPECT_EQ(level.capacity.value, MiB(1));
  EXPECT_EQ(level.capacity.source, "sweep depths");
}

TEST(RecordOf, TheHashIsTheDefinitionsAndNotTheFormItWasWrittenIn) {
  const Sweep named = DepthSweep({12, 30});
  Json spelled_out = DepthDefinition({12, 30});
  spelled_out["base"]["model"] = named.base["model"];
  EXPECT_EQ(RecordOf(named).hash, RecordOf(SweepFromJson(spelled_out, "x")).hash);
  EXPECT_NE(RecordOf(named).hash, RecordOf(DepthSweep({12, 31})).hash);
}

}  // namespace
}  // namespace deepthin::sweeps

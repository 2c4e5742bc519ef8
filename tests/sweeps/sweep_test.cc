#include "sweeps/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sweeps/driver.h"
#include "tests/sweeps/depth_sweep.h"

namespace deepthin::sweeps {
namespace {

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
      {"unknown model",
       "/base/model",
       "mobilellm-7b",
       {"my.json: /base/model: 'mobilellm-7b'", "mobilellm-125m"}},
      {"unknown SoC", "/base/soc", "abacus", {"my.json: /base/soc: 'abacus'", "iphone-13"}},
      {"unknown precision", "/base/precision", "f12", {"/base/precision", "f12", "q4_0"}},
      {"axes of a wrong type", "/axes", "depth", {"/axes"}},
      {"axis without values", "/axes/0/values", Json::array(), {"/axes/0/values"}},
      {"axis on an unknown key",
       "/axes/0/key",
       "model.depth",
       {"my.json: /axes/0/key: model.depth: names no key 'depth'", "n_blocks"}},
      {"value of a wrong type",
       "/axes/0/values/1",
       "deep",
       {"my.json: /axes/0/values/1: /model/n_blocks: is \"deep\"; expected a whole number"}},
      {"unknown model in an axis",
       "/axes/0",
       {{"key", "model"}, {"values", {"mobilellm-7b"}}},
       {"my.json: /axes/0/values/0: 'mobilellm-7b'"}},
      {"a value twice", "/axes/0/values/1", 12, {"/axes/0/values/1: is 'n_blocks=12' like"}},
      {"an axis twice",
       "/axes/1",
       {{"key", "model.n_blocks"}, {"values", {3}}},
       {"/axes/1/key: is 'model.n_blocks' a second time"}},
      {"an axis that wipes out another",
       "/axes/1",
       {{"key", "model"}, {"values", {"mobilellm-350m"}}},
       {"/axes/1/key: is 'model' after 'model.n_blocks'"}},
      {"unknown sampler", "/sampler", "oracle", {"/sampler", "oracle", "grid"}},
      {"no evaluators", "/evaluators", Json::array(), {"/evaluators"}},
  };
  for (const BadDefinition& bad : table) {
    SCOPED_TRACE(bad.name);
    Json definition = DepthDefinition({12, 30});
    definition[Json::json_pointer(bad.pointer)] = bad.value;
    const std::string error = ErrorOf(definition);
    for (const std::string& part : bad.says) EXPECT_THAT(error, HasSubstr(part));
    EXPECT_THAT(error, ::testing::Not(HasSubstr("\n")));
  }
}

TEST(PointsOf, MoreThanFitInMemoryAreRefusedAtOnce) {
  Json definition = DepthDefinition({12});
  for (const char* key : {"model.n_blocks", "model.d_ff", "model.d_model"}) {
    Json values = Json::array();
    for (int i = 1; i <= 101; ++i) values.push_back(i);
    definition["axes"].push_back({{"key", key}, {"values", values}});
  }
  definition["axes"].erase(0);
  EXPECT_EQ(ErrorOf(definition),
            "my.json: /axes: have more than a million combinations; expected at most that");
}

TEST(PointsOf, AnInvalidCombinationIsAnInfeasiblePointWithTheReason) {
  Json definition = DepthDefinition({30});
  definition["axes"].push_back({{"key", "model.n_kv_heads"}, {"values", {3, 4}}});
  const auto points = PointsOf(SweepFromJson(definition, "my.json"), "my.json");
  ASSERT_EQ(points.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Problem>(points[0].problem));
  ASSERT_TRUE(std::holds_alternative<results::Infeasible>(points[1].problem));
  EXPECT_THAT(std::get<results::Infeasible>(points[1].problem).reason,
              "/model/n_kv_heads: is 4; expected a divisor of n_heads, which is 9");
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

#include "explorer/experiment/definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "results/paper_tables.h"
#include "tests/explorer/experiment/tiny_experiment.h"
#include "tests/runtime/error_text.h"

namespace deepthin::explorer {
namespace {

using runtime::ErrorText;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<ModelSpec> ModelsOf(const Experiment& experiment, const std::string& group) {
  std::vector<ModelSpec> models;
  for (const ExperimentSweep& sweep : SweepsOf(experiment)) {
    if (experiment.groups[sweep.group].name != group || !models.empty()) continue;
    for (const results::Point& point : sweep.points) {
      models.push_back(std::get<Problem>(point.problem).model);
    }
  }
  return models;
}

// Every width an eighth of the parent's: nothing is lost to rounding.
TEST(ShippedExperiments, TheTwinsOfTable11AreTheirParentsAtAnEighth) {
  const Experiment twins = ExperimentFromArgument("twins");
  const std::vector<ModelSpec> models = ModelsOf(twins, "depth");
  ASSERT_EQ(models.size(), 9u);
  size_t i = 0;
  for (const results::PaperArchitecture& row : results::PaperArchitectures()) {
    if (row.table != "table-11" || !row.row.starts_with("125M")) continue;
    ModelSpec expected = row.spec;
    expected.vocab_size = 4096;
    expected.d_model /= 8;
    expected.head_dim /= 8;
    expected.d_ff /= 8;
    EXPECT_EQ(models[i++], expected) << row.row;
  }
  EXPECT_EQ(i, 9u);
  for (const ModelSpec& model : models) {
    EXPECT_GE(CountParams(model).blocks, 1'000'000);
    EXPECT_LE(CountParams(model).blocks, 2'000'000);
  }
}

// The question of the experiment: at one stored size.
TEST(ShippedExperiments, SharingComparesModelsOfEqualParameters) {
  const std::vector<ModelSpec> models = ModelsOf(ExperimentFromArgument("twins"), "sharing");
  ASSERT_EQ(models.size(), 4u);
  for (const ModelSpec& model : models) {
    EXPECT_EQ(CountParams(model).matrices(), CountParams(models[0]).matrices());
    EXPECT_EQ(ExecutedBlocks(model), model == models[0] ? 8 : 16);
  }
}

TEST(ShippedExperiments, HeldOutShapesAreNoneOfThoseOfTheCalibration) {
  const Experiment shapes = ExperimentFromArgument("shapes");
  const std::vector<ModelSpec> fitted = ModelsOf(shapes, "calibration");
  const std::vector<ModelSpec> held_out = ModelsOf(shapes, "held-out");
  EXPECT_EQ(fitted.size(), 40u);
  EXPECT_EQ(held_out.size(), 20u);
  for (const ModelSpec& model : held_out) {
    EXPECT_EQ(std::count(fitted.begin(), fitted.end(), model), 0);
  }
}

TEST(ShippedExperiments, EachHasSweepsWithNamesOfTheirOwn) {
  for (const EmbeddedFile& shipped : ShippedExperiments()) {
    const std::string stem(shipped.name.substr(0, shipped.name.rfind('.')));
    const Experiment experiment = ExperimentFromArgument(stem);
    EXPECT_EQ(experiment.name, stem);
    std::set<std::string> names;
    for (const ExperimentSweep& sweep : SweepsOf(experiment)) {
      EXPECT_TRUE(names.insert(sweep.sweep.name).second) << sweep.sweep.name;
      EXPECT_FALSE(sweep.points.empty());
      EXPECT_EQ(sweep.sweep.evaluators.front().settings["seed"], sweep.seed);
      EXPECT_EQ(sweep.sweep.evaluators.front().settings["learning_rate"], sweep.learning_rate);
    }
  }
}

TEST(SweepsOf, GoRoundByRound) {
  std::vector<std::string> order;
  for (const ExperimentSweep& sweep : SweepsOf(TinyExperiment())) {
    order.push_back(sweep.sweep.name);
  }
  EXPECT_THAT(order, ElementsAre("tiny rates lr=0.002 seed=1", "tiny rates lr=0.004 seed=1",
                                 "tiny rates lr=0.008 seed=1", "tiny depth lr=0.004 seed=1",
                                 "tiny depth lr=0.004 seed=2", "tiny shapes lr=0.004 seed=1",
                                 "tiny depth lr=0.004 seed=3"));
}

struct BadDefinition {
  const char* pointer;
  Json value;  // null: removed
  const char* says;
};

TEST(ExperimentFromJson, NamesThePlaceOfAFault) {
  const BadDefinition table[] = {
      {"/vocab_size", 0, "tiny.json: /vocab_size: is 0"},
      {"/groups", Json::array(), "/groups: is empty"},
      {"/groups/0/seeds", 0, "/groups/0/seeds: is 0"},
      {"/groups/0/round", -1, "/groups/0/round: is -1"},
      {"/groups/0/twin_share", 1, "/groups/0/twin_share: is 1.0"},
      {"/groups/0/models_of", "", "/groups/0: has neither"},
      {"/groups/2/models_of", "table-1", "/groups/2: has neither models_of nor random, or both"},
      {"/groups/2/twin_share", 0.5, "/groups/2: has a twin_share without"},
      {"/groups/1/name", "rates", "/groups/1/name: is there twice"},
      {"/groups/2/random/count", 1'000'000, "/groups/2/random: wants"},
      {"/groups/2/random/params", 0, "/groups/2/random/params: is 0"},
      {"/training/stepz", 3, "unknown key 'stepz'"},
      {"/groups/0/parametrisation", "mup", "completep or standard"},
  };
  for (const BadDefinition& bad : table) {
    Json json = TinyDefinition();
    json[Json::json_pointer(bad.pointer)] = bad.value;
    EXPECT_THAT(
        ErrorText<InputError>([&] { static_cast<void>(ExperimentFromJson(json, "tiny.json")); }),
        HasSubstr(bad.says));
  }
}

TEST(SweepsOf, SayWhichModelIsNone) {
  const auto error = [](const char* pointer, const Json& value) {
    Json json = TinyDefinition();
    json[Json::json_pointer(pointer)] = value;
    const Experiment experiment = ExperimentFromJson(json, "tiny.json");
    return ErrorText<InputError>([&] { static_cast<void>(SweepsOf(experiment)); });
  };
  EXPECT_THAT(error("/groups/0/only/1", "63x384"), HasSubstr("names a model that table-11-125m"));
  EXPECT_THAT(error("/groups/0/models_of", "table-99"), HasSubstr("table-99"));
  EXPECT_THAT(error("/groups/0/twin_share", 1e-9), HasSubstr("/groups/0"));
  EXPECT_THAT(error("/groups/2/random/params", 100), HasSubstr("few have"));
}

}  // namespace
}  // namespace deepthin::explorer

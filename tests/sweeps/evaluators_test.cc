#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "costmodel/estimator.h"
#include "spec/json_io.h"
#include "sweeps/evaluator_table.h"
#include "sweeps/evaluators/estimate.h"
#include "sweeps/evaluators/measure.h"
#include "tests/sweeps/depth_sweep.h"

namespace deepthin::sweeps {
namespace {

using ::testing::HasSubstr;

const Where kNowhere{"test", ""};

Problem TinyProblem() {
  Json json = DepthDefinition({2});
  json["base"]["model"] =
      "mobilellm-125m:n_blocks=2,d_model=32,n_heads=4,n_kv_heads=2,head_dim=8,d_ff=48,"
      "vocab_size=64";
  json.erase("axes");
  const Sweep sweep = SweepFromJson(json, "tiny.json");
  return std::get<Problem>(PointsOf(sweep, "tiny.json").front().problem);
}

TEST(Estimating, ReturnsTheCostModelsEstimate) {
  const Problem problem = TinyProblem();
  const auto evaluator = MakeEstimating(Json::object(), kNowhere);
  EXPECT_EQ(std::get<CostEstimate>(evaluator->Evaluate(problem)), costmodel::Estimate(problem));
}

TEST(Estimating, ADesignLargerThanDramIsInfeasibleAndFitsAtExactlyItsSize) {
  Problem problem = TinyProblem();
  const Bytes needed = costmodel::Estimate(problem).peak_memory;
  const auto evaluator = MakeEstimating(Json::object(), kNowhere);
  MemoryLevel* dram = nullptr;
  for (MemoryLevel& level : problem.soc.levels) {
    if (level.kind == LevelKind::kDram) dram = &level;
  }
  dram->capacity = {needed, "test", {}, {}};
  EXPECT_TRUE(std::holds_alternative<CostEstimate>(evaluator->Evaluate(problem)));
  dram->capacity.value = needed - Bytes(1);
  const auto outcome = evaluator->Evaluate(problem);
  ASSERT_TRUE(std::holds_alternative<results::Infeasible>(outcome));
  EXPECT_EQ(std::get<results::Infeasible>(outcome).needed, needed);
  EXPECT_EQ(std::get<results::Infeasible>(outcome).available, needed - Bytes(1));
}

TEST(Measuring, ReturnsSamplesOfTheWorkloadAndCountsItsBytes) {
  const Problem problem = TinyProblem();
  const auto evaluator = MakeMeasuring({{"threads", 1}, {"repeats", 3}}, kNowhere);
  const auto outcome = evaluator->Evaluate(problem);
  const auto& m = std::get<Measurement>(outcome);
  EXPECT_EQ(m.prefill_s.size(), 3u);
  EXPECT_EQ(m.decode_s_per_token.size(), 3u);
  EXPECT_EQ(m.prompt_tokens, problem.workload.prompt_tokens);
  EXPECT_EQ(m.threads, 1);
  EXPECT_GT(m.bytes_touched_per_token, Bytes(0));
}

TEST(Measuring, IsAskedAgainForAnotherThreadCountAndNotForAnotherSoc) {
  Problem problem = TinyProblem();
  const auto one = MakeMeasuring({{"threads", 1}}, kNowhere);
  const auto two = MakeMeasuring({{"threads", 2}}, kNowhere);
  EXPECT_NE(one->Identity(problem), two->Identity(problem));
  const Json before = one->Identity(problem);
  problem.soc.name = "another";
  EXPECT_EQ(one->Identity(problem), before);
  problem.precision.activations = Dtype::kBf16;  // f32 is what runs
  EXPECT_EQ(one->Identity(problem), before);
  problem.precision.weights = Dtype::kQ4_0;
  EXPECT_NE(one->Identity(problem), before);
  problem.precision.weights = Dtype::kF16;
  EXPECT_EQ(one->Identity(problem), before);
  problem.workload.prompt_tokens += 1;
  EXPECT_NE(one->Identity(problem), before);
}

TEST(Estimating, IsAskedAgainForAnotherSoc) {
  Problem problem = TinyProblem();
  const auto evaluator = MakeEstimating(Json::object(), kNowhere);
  const Json before = evaluator->Identity(problem);
  problem.soc.fixed.per_token.value += Seconds(1e-6);
  EXPECT_NE(evaluator->Identity(problem), before);
}

// A better source, a narrower range or a larger battery changes no estimate.
TEST(Estimating, IsNotAskedAgainForWhatNoFormulaReads) {
  Problem problem = TinyProblem();
  const auto evaluator = MakeEstimating(Json::object(), kNowhere);
  const Json before = evaluator->Identity(problem);
  auto& bandwidth = problem.soc.levels[0].read_bandwidth;
  bandwidth.source = "another document";
  bandwidth.low = bandwidth.value * 0.9;
  bandwidth.high = bandwidth.value * 1.1;
  problem.soc.description = "another";
  problem.soc.battery = Sourced<Joules>{Joules(45'000), "test", {}, {}};
  EXPECT_EQ(evaluator->Identity(problem), before);
  bandwidth.value = bandwidth.value * 1.01;
  EXPECT_NE(evaluator->Identity(problem), before);
}

struct BadSettings {
  const char* evaluator;
  Json settings;
  const char* says;
};

TEST(MakeEvaluators, RefusesWhatItDoesNotKnow) {
  const BadSettings table[] = {
      {"estimate", {{"threads", 2}}, "threads"},
      {"measure", {{"thread", 2}}, "unknown key 'thread'"},
      {"measure", {{"threads", 1025}}, "/evaluators/0/threads"},
      {"measure", {{"repeats", 0}}, "/evaluators/0/repeats"},
      {"measure", {{"repeats", "many"}}, "/evaluators/0/repeats"},
      {"divine", Json::object(), "'divine'"},
  };
  for (const BadSettings& bad : table) {
    SCOPED_TRACE(bad.says);
    Sweep sweep = DepthSweep({1});
    sweep.evaluators = {{bad.evaluator, bad.settings}};
    try {
      static_cast<void>(MakeEvaluators(sweep, BuiltinEvaluators(), "my.json"));
      FAIL() << "accepted";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr(bad.says));
      EXPECT_EQ(error.where().file, "my.json");
    }
  }
}

TEST(MakeEvaluators, RefusesTheSameEvaluatorTwice) {
  Sweep sweep = DepthSweep({1});
  sweep.evaluators = {{"estimate", Json::object()}, {"estimate", Json::object()}};
  EXPECT_THROW(static_cast<void>(MakeEvaluators(sweep, BuiltinEvaluators(), "x")), InputError);
}

}  // namespace
}  // namespace deepthin::sweeps

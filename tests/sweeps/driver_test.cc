#include "sweeps/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "results/in_memory_store.h"
#include "tests/sweeps/depth_sweep.h"
#include "tests/sweeps/fake_evaluator.h"

namespace deepthin::sweeps {
namespace {

using ::testing::HasSubstr;

class DriverTest : public ::testing::Test {
 protected:
  DriverTest() {
    evaluators_.push_back(std::make_unique<FakeEvaluator>());
    fake_ = static_cast<FakeEvaluator*>(evaluators_.back().get());
  }

  Summary Run(const Sweep& sweep, const DriverOptions& options = {}) {
    return RunSweep(sweep, PointsOf(sweep, "depths.json"), evaluators_, store_, options);
  }

  results::InMemoryStore store_;
  std::vector<std::unique_ptr<Evaluator>> evaluators_;
  FakeEvaluator* fake_ = nullptr;
};

TEST_F(DriverTest, EvaluatesEachPointOnceAndASecondRunNothing) {
  const Sweep sweep = DepthSweep({10, 20, 30});
  const Summary first = Run(sweep);
  EXPECT_EQ(first.total, 3);
  EXPECT_EQ(first.evaluated, 3);
  const Summary second = Run(sweep);
  EXPECT_EQ(second.evaluated, 0);
  EXPECT_EQ(second.already, 3);
  EXPECT_EQ(fake_->calls, 3);
  const auto results = store_.Results(first.sweep_hash);
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(std::get<ProxyScore>(results[1].trials.at("fake").outcome).value, 20);
}

TEST_F(DriverTest, EqualQuestionsAreAskedOnceAcrossSweepsAndWithinOne) {
  static_cast<void>(Run(DepthSweep({10, 20})));
  Json definition = DepthDefinition({20, 30});
  definition["axes"][0]["values"].push_back({{"label", "30 again"}, {"value", 30}});
  const Summary overlapping = Run(SweepFromJson(definition, "depths.json"));
  EXPECT_EQ(overlapping.evaluated, 1);
  EXPECT_EQ(overlapping.reused, 2);
  EXPECT_EQ(fake_->calls, 3);
  for (const auto& result : store_.Results(overlapping.sweep_hash)) {
    EXPECT_TRUE(result.trials.contains("fake")) << result.point.label;
  }
}

TEST_F(DriverTest, StopsBetweenTrialsAndGoesOnLater) {
  const Sweep sweep = DepthSweep({10, 20, 30});
  const Summary first = Run(sweep, {.on_progress = {},
                                    .should_stop = [&] { return fake_->calls == 2; },
                                    .retry_failures = false});
  EXPECT_TRUE(first.interrupted);
  EXPECT_EQ(first.evaluated, 2);
  const Summary second = Run(sweep);
  EXPECT_FALSE(second.interrupted);
  EXPECT_EQ(second.already, 2);
  EXPECT_EQ(second.evaluated, 1);
  EXPECT_EQ(fake_->calls, 3);
}

TEST_F(DriverTest, AnInterruptedTrialLeavesItsQuestionOpen) {
  const Sweep sweep = DepthSweep({10, 20, 30});
  bool stop = true;
  fake_->before = [&](const Problem& problem) {
    if (stop && problem.model.n_blocks == 20) throw Interruption();
  };
  const Summary first = Run(sweep);
  EXPECT_TRUE(first.interrupted);
  EXPECT_EQ(first.evaluated, 1);
  EXPECT_EQ(first.failed, 0);
  EXPECT_FALSE(store_.Results(first.sweep_hash)[1].trials.contains("fake"));
  stop = false;
  const Summary second = Run(sweep);
  EXPECT_FALSE(second.interrupted);
  EXPECT_EQ(second.already, 1);
  EXPECT_EQ(second.evaluated, 2);
}

TEST_F(DriverTest, WhatThrowsIsAFailureTheSweepGoesOnAndItCanBeRetried) {
  const Sweep sweep = DepthSweep({10, 20, 30});
  fake_->before = [](const Problem& problem) {
    if (problem.model.n_blocks == 20) throw EnvironmentError("the lights went out");
  };
  const Summary first = Run(sweep);
  EXPECT_EQ(first.evaluated, 3);
  EXPECT_EQ(first.failed, 1);
  const auto results = store_.Results(first.sweep_hash);
  EXPECT_THAT(std::get<results::Failure>(results[1].trials.at("fake").outcome).message,
              HasSubstr("lights"));

  fake_->before = {};
  EXPECT_EQ(Run(sweep).evaluated, 0);  // a failure stays an answer until it is asked again
  DriverOptions retry;
  retry.retry_failures = true;
  const Summary third = Run(sweep, retry);
  EXPECT_EQ(third.evaluated, 1);
  EXPECT_EQ(third.failed, 0);
  EXPECT_EQ(
      std::get<ProxyScore>(store_.Results(first.sweep_hash)[1].trials.at("fake").outcome).value,
      20);
}

TEST_F(DriverTest, APointThatIsNoProblemIsInfeasibleAndNeverEvaluated) {
  Json definition = DepthDefinition({30});
  definition["axes"].push_back({{"key", "model.n_kv_heads"}, {"values", {3, 4}}});
  const Sweep sweep = SweepFromJson(definition, "my.json");
  const Summary summary = Run(sweep);
  EXPECT_EQ(summary.evaluated, 2);
  EXPECT_EQ(summary.infeasible, 1);
  EXPECT_EQ(fake_->calls, 1);
  EXPECT_EQ(Run(sweep).already, 2);
}

TEST_F(DriverTest, ProgressCountsUpToTheTotalAndEtaIsKnownAfterTheFirstTrial) {
  std::vector<Progress> seen;
  const Summary summary =
      Run(DepthSweep({10, 20, 30}), {.on_progress = [&](const Progress& p) { seen.push_back(p); },
                                     .should_stop = {},
                                     .retry_failures = false});
  ASSERT_EQ(seen.size(), 4u);
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i].done, static_cast<int64_t>(i));
    EXPECT_EQ(seen[i].total, summary.total);
    EXPECT_EQ(seen[i].eta.has_value(), i > 0);
  }
  EXPECT_EQ(seen.back().eta->value(), 0);
}

}  // namespace
}  // namespace deepthin::sweeps

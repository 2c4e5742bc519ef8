// The evaluator that trains: what a question is, and that an interrupted one goes on.
#include "explorer/accuracy/training_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "spec/files.h"
#include "spec/model_argument.h"
#include "tests/results/temporary_folder.h"
#include "tests/runtime/error_text.h"

namespace deepthin::explorer {
namespace {

using results::TemporaryFolder;
using ::testing::HasSubstr;

constexpr const char* kTiny =
    "mobilellm-125m:n_blocks=2,d_model=16,n_heads=2,n_kv_heads=1,head_dim=8,d_ff=24,vocab_size=300";

class TrainingEvaluatorTest : public ::testing::Test {
 protected:
  TrainingEvaluatorTest() {
    std::string text;
    for (int i = 0; i < 300; ++i) text += "The " + std::to_string(i * i % 97) + " whales.\n";
    WriteFileAtomically(folder_.File("text.txt"), text);
    problem_.model = ModelFromArgument(kTiny);
    settings_ = {{"data", {folder_.File("text.txt")}},
                 {"steps", 12},
                 {"batch", 2},
                 {"length", 16},
                 {"eval_every", 5},
                 {"eval_tokens", 64},
                 {"checkpoint_every", 4}};
  }

  std::unique_ptr<sweeps::Evaluator> Make(const Json& settings,
                                          std::function<bool()> should_stop = {}) {
    return TrainingEvaluator({.folder = folder_.File("runs"),
                              .threads = 1,
                              .on_step = {},
                              .should_stop = std::move(should_stop)})
        .make(settings, {"my.json", "/evaluators/0"});
  }

  Json With(const std::string& key, const Json& value) const {
    Json settings = settings_;
    settings[key] = value;
    return settings;
  }

  TemporaryFolder folder_;
  Problem problem_;
  Json settings_;
};

// What does not depend on the clock.
TrainingRecord Timeless(TrainingRecord record) {
  record.host = {};
  record.tokens_per_s.reset();
  record.model_flop_per_s.reset();
  record.share_of_peak.reset();
  record.peak_memory.reset();
  return record;
}

TEST_F(TrainingEvaluatorTest, RecordsTheRunWithItsCurve) {
  const auto record = std::get<TrainingRecord>(Make(settings_)->Evaluate(problem_));
  EXPECT_EQ(record.model.vocab_size, 259) << "of bytes";
  EXPECT_EQ(record.steps, 12);
  EXPECT_EQ(record.tokens, 12 * 2 * 16);
  EXPECT_FALSE(record.diverged);
  EXPECT_GT(*record.tokens_per_s, 0);
  EXPECT_GT(*record.model_flop_per_s, 0);
  ASSERT_EQ(record.curve.size(), 4u);  // steps 0, 5, 10 and 12
  EXPECT_EQ(record.curve[1].step, 5);
  EXPECT_EQ(record.curve.back().step, 12);
  EXPECT_EQ(record.curve.back().validation_loss, record.validation_loss);
  EXPECT_LT(*record.validation_loss, *record.curve.front().validation_loss);
  EXPECT_FALSE(record.curve.front().loss);
  EXPECT_TRUE(record.curve[1].loss);
}

TEST_F(TrainingEvaluatorTest, AnInterruptedTrialGoesOnToTheSameOutcome) {
  const auto whole = std::get<TrainingRecord>(Make(settings_)->Evaluate(problem_));
  std::filesystem::remove_all(folder_.File("runs"));
  int asked = 0;
  const auto stopped = Make(settings_, [&] { return ++asked > 7; });
  EXPECT_THROW(static_cast<void>(stopped->Evaluate(problem_)), sweeps::Interruption);
  int steps = 0;
  const auto rest = Make(settings_, [&] {
    ++steps;
    return false;
  });
  EXPECT_EQ(Timeless(std::get<TrainingRecord>(rest->Evaluate(problem_))), Timeless(whole));
  EXPECT_EQ(steps, 12 - 7);
  // Killed between the run's end and the store: nothing is trained again.
  steps = 0;
  EXPECT_EQ(Timeless(std::get<TrainingRecord>(rest->Evaluate(problem_))), Timeless(whole));
  EXPECT_EQ(steps, 0);
}

TEST_F(TrainingEvaluatorTest, DivergenceIsAnOutcome) {
  Json settings = With("learning_rate", 1e30);
  settings["warmup"] = 0;
  const auto record = std::get<TrainingRecord>(Make(settings)->Evaluate(problem_));
  EXPECT_TRUE(record.diverged);
  EXPECT_LT(record.steps, 12);
  EXPECT_FALSE(record.loss);
}

TEST_F(TrainingEvaluatorTest, AQuestionIsWhatDecidesTheWeights) {
  const Json before = Make(settings_)->Identity(problem_);
  const auto after = [&](const std::string& key, const Json& value) {
    return Make(With(key, value))->Identity(problem_);
  };
  EXPECT_NE(after("seed", 2), before);
  EXPECT_NE(after("learning_rate", 0.5), before);
  EXPECT_NE(after("steps", 13), before);
  EXPECT_NE(after("warmup", 3), before);
  EXPECT_NE(after("parametrisation", "standard"), before);
  EXPECT_NE(after("hold_out", 0.2), before);
  EXPECT_NE(after("eval_every", 6), before);
  EXPECT_EQ(after("checkpoint_every", 9), before);
  EXPECT_EQ(after("warmup", 1), before) << "which a tenth of the steps is";
  // The same text under another name is the same question; another text is not.
  WriteFileAtomically(folder_.File("copy.txt"), ReadFile(folder_.File("text.txt")));
  EXPECT_EQ(after("data", {folder_.File("copy.txt")}), before);
  WriteFileAtomically(folder_.File("copy.txt"), ReadFile(folder_.File("text.txt")) + "x");
  EXPECT_NE(after("data", {folder_.File("copy.txt")}), before);

  Problem other = problem_;
  other.soc.name = "another";
  other.workload.prompt_tokens += 1;
  other.precision.weights = Dtype::kQ4_0;
  other.model.vocab_size += 1;  // the tokenizer's takes its place
  EXPECT_EQ(Make(settings_)->Identity(other), before);
  other.model.d_ff += 1;
  EXPECT_NE(Make(settings_)->Identity(other), before);
}

TEST_F(TrainingEvaluatorTest, TrainsTheTwinInTheModelsPlace) {
  problem_.model = ModelFromArgument("mobilellm-125m:n_blocks=4");
  const auto model_of = [&](const std::string& key, const Json& value) {
    return Make(With(key, value))->Identity(problem_)["run"]["model"];
  };
  EXPECT_EQ(model_of("twin_share", 0.015625)["d_model"], 72);
  EXPECT_EQ(model_of("twin_share", 0.015625)["n_blocks"], 4);
  const auto by_params = model_of("twin_params", 100'000);
  EXPECT_NEAR(static_cast<double>(CountParams(FromJson<ModelSpec>(by_params, {"", ""})).blocks),
              1e5, 1e3);
}

TEST_F(TrainingEvaluatorTest, WhatCannotBeTrainedIsInfeasible) {
  const auto reason = [&](const Json& settings) {
    const auto outcome = Make(settings)->Evaluate(problem_);
    const auto* infeasible = std::get_if<results::Infeasible>(&outcome);
    return infeasible == nullptr ? "" : infeasible->reason;
  };
  EXPECT_THAT(reason(With("twin_params", 10)), HasSubstr("no room"));
  problem_.model.max_seq_len = 15;
  EXPECT_THAT(reason(settings_), HasSubstr("max_seq_len"));
  problem_.model = ModelFromArgument(kTiny);
  problem_.model.repeat = {.kind = RepeatKind::kReverse, .times = 2, .order = {}};
  problem_.model.kv_policy = KvPolicy::kShared;
  EXPECT_THAT(reason(settings_), HasSubstr("per_occurrence"));
  EXPECT_NE(Make(settings_)->Identity(problem_), Json());
  EXPECT_FALSE(std::filesystem::exists(folder_.File("runs")));
}

TEST_F(TrainingEvaluatorTest, RefusesSettingsWithTheirPlace) {
  const auto error = [&](const std::string& key, const Json& value) {
    return runtime::ErrorText<InputError>([&] { static_cast<void>(Make(With(key, value))); });
  };
  EXPECT_THAT(error("data", Json::array()), HasSubstr("/evaluators/0/data: is empty"));
  EXPECT_THAT(error("steps", 0), HasSubstr("my.json: /evaluators/0/steps: is 0"));
  EXPECT_THAT(error("length", -1), HasSubstr("/evaluators/0/length: is -1"));
  EXPECT_THAT(error("warmup", 13), HasSubstr("/evaluators/0/warmup: is 13"));
  EXPECT_THAT(error("learning_rate", 0), HasSubstr("/evaluators/0"));
  EXPECT_THAT(error("stepz", 1), HasSubstr("unknown key 'stepz'"));
  EXPECT_THAT(error("parametrisation", "mup"), HasSubstr("completep or standard"));
  Json both = With("twin_params", 1000);
  both["twin_share"] = 0.5;
  EXPECT_THAT(runtime::ErrorText<InputError>([&] { static_cast<void>(Make(both)); }),
              HasSubstr("/twin_share: stands beside twin_params"));
  const auto missing = Make(With("data", {folder_.File("absent.txt")}));
  EXPECT_THROW(static_cast<void>(missing->Identity(problem_)), InputError);
}

}  // namespace
}  // namespace deepthin::explorer

// The evaluator that sweeps know the proxies by.
#include "explorer/accuracy/score_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "results/record/trial.h"
#include "spec/model_presets.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;

Problem SomeProblem() {
  Problem problem;
  problem.model = *ModelPresetByName("mobilellm-125m");
  return problem;
}

TEST(ScoringEvaluator, RefusesAnUnknownProxy) {
  const auto make = ScoringEvaluator().make;
  const auto refusal = [&](const Json& settings) {
    return InputErrorOf([&] { return make(settings, {"x", "/score"}) != nullptr; });
  };
  EXPECT_THAT(refusal({{"proxy", "oracle"}}), HasSubstr("x: /score/proxy: 'oracle' is no proxy"));
  EXPECT_THAT(refusal({{"proxy", 3}}), HasSubstr("x: /score/proxy"));
  EXPECT_THAT(refusal({{"prox", "decoder_params"}}), HasSubstr("x: /score/prox: is unknown"));
  EXPECT_NE(make({{"proxy", "decoder_params"}}, {"x", ""}), nullptr);
}

TEST(ScoringEvaluator, AnswersWithTheScore) {
  const auto evaluator = ScoringEvaluator().make(Json::object(), {"x", ""});
  const auto outcome = evaluator->Evaluate(SomeProblem());
  const auto& score = std::get<ProxyScore>(outcome);
  EXPECT_EQ(score.proxy, "decoder_params");
  EXPECT_EQ(score.value, static_cast<double>(CountParams(SomeProblem().model).blocks));
}

TEST(ScoringEvaluator, IsInterruptedWhereItIsToldToStop) {
  bool stops = true;
  const ProxyContext context{
      .threads = 1, .texts = {}, .rows = {}, .group = {}, .should_stop = [&] { return stops; }};
  Problem problem = SomeProblem();
  problem.model = {.vocab_size = 100,
                   .d_model = 16,
                   .n_blocks = 2,
                   .n_heads = 2,
                   .n_kv_heads = 1,
                   .head_dim = 8,
                   .d_ff = 24,
                   .max_seq_len = 64};
  const auto evaluator = ScoringEvaluator(context).make({{"proxy", "gradient_norm"}}, {"x", ""});
  EXPECT_THROW(static_cast<void>(evaluator->Evaluate(problem)), sweeps::Interruption);
  stops = false;
  EXPECT_TRUE(std::holds_alternative<ProxyScore>(evaluator->Evaluate(problem)));
}

// The identity is the key of stored trials: it may not change with the same version.
TEST(ScoringEvaluator, TheIdentityIsOfTheModelAlone) {
  const auto evaluator = ScoringEvaluator().make(Json::object(), {"x", ""});
  Problem problem = SomeProblem();
  const Json identity = evaluator->Identity(problem);
  EXPECT_EQ(identity, (Json{{"evaluator", "score"},
                            {"proxy", "decoder_params"},
                            {"version", "1"},
                            {"model", ToJson(problem.model)}}));
  problem.soc.name = "another";
  EXPECT_EQ(evaluator->Identity(problem), identity);
  problem.model.n_blocks += 1;
  EXPECT_NE(evaluator->Identity(problem), identity);
}

}  // namespace
}  // namespace deepthin::explorer

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

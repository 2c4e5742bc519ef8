// Proxies at initialisation: their settings, seeds and limits.
#include "explorer/accuracy/initial_proxies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "explorer/accuracy/proxy_table.h"
#include "explorer/accuracy/seed_mean.h"
#include "tests/runtime/test_models.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kNames[] = {"synflow", "gradient_norm", "w_pca", "head_confidence"};

ModelSpec Model() {
  ModelSpec spec = runtime::SmallSpec();
  spec.max_seq_len = 40;
  return spec;
}

ProxyScore ScoreOf(const char* name, const Json& settings, const ModelSpec& spec = Model(),
                   int64_t threads = 1) {
  ProxyContext context;
  context.threads = threads;
  return MakeProxy(name, settings, {"a.json", "/s"}, context)->Score(spec);
}

TEST(InitialProxies, AreTheMeanOverTheirSeeds) {
  for (const char* name : kNames) {
    SCOPED_TRACE(name);
    const ProxyScore first = ScoreOf(name, {{"seeds", 1}, {"seed", 8}});
    const ProxyScore second = ScoreOf(name, {{"seeds", 1}, {"seed", 9}});
    const ProxyScore both = ScoreOf(name, {{"seeds", 2}, {"seed", 8}});
    EXPECT_EQ(first.standard_error, std::nullopt);
    EXPECT_DOUBLE_EQ(both.value, (first.value + second.value) / 2);
    ASSERT_TRUE(both.standard_error.has_value());
    EXPECT_NEAR(*both.standard_error, std::abs(first.value - second.value) / 2,
                1e-9 * std::abs(both.value));
    EXPECT_THAT(both.method, HasSubstr("2 seeds"));
    if (std::string(name) != "w_pca") {
      EXPECT_NE(first.value, second.value);
    }
  }
}

TEST(InitialProxies, AreTheSameForEveryNumberOfThreads) {
  for (const char* name : kNames) {
    EXPECT_EQ(ScoreOf(name, {{"seeds", 2}}, Model(), 1), ScoreOf(name, {{"seeds", 2}}, Model(), 3))
        << name;
  }
}

// Sequences are no longer than the model's context, and the score says how long they were.
TEST(InitialProxies, KeepToTheContext) {
  const ProxyScore score = ScoreOf("gradient_norm", {{"seeds", 1}, {"sequences", 3}});
  EXPECT_THAT(score.method, HasSubstr("3 x 40 random tokens"));
  EXPECT_EQ(score.value,
            ScoreOf("gradient_norm", {{"seeds", 1}, {"sequences", 3}, {"length", 40}}).value);
}

// What the KV cache does is nothing to training.
TEST(InitialProxies, TakeModelsThatShareKvEntries) {
  ModelSpec shared = Model();
  shared.repeat = RepeatScheduleFromText("immediate:2");
  ModelSpec apart = shared;
  shared.kv_policy = KvPolicy::kShared;
  for (const char* name : kNames) {
    EXPECT_EQ(ScoreOf(name, {{"seeds", 1}}, shared), ScoreOf(name, {{"seeds", 1}}, apart)) << name;
  }
}

TEST(InitialProxies, FirstWeightsAreASetting) {
  ModelSpec spec = Model();
  spec.n_blocks = 12;
  for (const char* name : kNames) {
    if (std::string(name) == "w_pca") continue;  // a count
    EXPECT_NE(ScoreOf(name, {{"seeds", 1}, {"parametrisation", "completep"}}, spec).value,
              ScoreOf(name, {{"seeds", 1}}, spec).value)
        << name;
  }
}

TEST(InitialProxies, RefuseSettingsThatAreNone) {
  const auto refusal = [](const char* name, const Json& settings) {
    return InputErrorOf([&] { return ScoreOf(name, settings); });
  };
  EXPECT_THAT(refusal("synflow", {{"length", 3}}),
              HasSubstr("a.json: /s/length: is unknown; expected one of seeds, seed, param"));
  EXPECT_THAT(refusal("gradient_norm", {{"eta", 0.5}}), HasSubstr("/s/eta: is unknown"));
  EXPECT_THAT(refusal("w_pca", {{"eta", 0}}), HasSubstr("/s/eta: is 0; expected a share above 0"));
  EXPECT_THAT(refusal("w_pca", {{"eta", 1.5}}), HasSubstr("/s/eta: is 1.5"));
  EXPECT_THAT(refusal("w_pca", {{"seeds", 0}}), HasSubstr("/s/seeds: is 0; expected from 1"));
  EXPECT_THAT(refusal("w_pca", {{"seeds", "two"}}), HasSubstr("/s/seeds"));
  EXPECT_THAT(refusal("w_pca", {{"seed", -1}}), HasSubstr("/s/seed: is -1"));
  EXPECT_THAT(refusal("head_confidence", {{"length", 0}}), HasSubstr("/s/length: is 0"));
  EXPECT_THAT(refusal("head_confidence", {{"sequences", int64_t{1} << 40}}),
              HasSubstr("/s/sequences: is 1099511627776; expected from 1"));
  EXPECT_THAT(refusal("synflow", {{"parametrisation", "mup"}}), HasSubstr("completep or standard"));
}

TEST(InitialProxies, SayWhereAModelIsTooLarge) {
  ModelSpec spec = Model();
  spec.d_model = 1 << 16;
  spec.d_ff = 1 << 16;
  spec.n_blocks = 1000;
  for (const char* name : kNames) {
    EXPECT_THAT(InputErrorOf([&] { return ScoreOf(name, Json::object(), spec); }),
                HasSubstr("GB to be executed; expected at most the"))
        << name;
  }
}

TEST(InitialProxies, StopBetweenSeeds) {
  ProxyContext context;
  context.should_stop = [] { return true; };
  const auto proxy = MakeProxy("synflow", Json::object(), {}, context);
  EXPECT_THROW(static_cast<void>(proxy->Score(Model())), ProxyContext::Stopped);
}

TEST(SeedMeanTest, OfKnownNumbers) {
  const SeedMean mean = MeanOverSeeds(std::vector<double>{1, 2, 6});
  EXPECT_DOUBLE_EQ(mean.mean, 3);
  EXPECT_DOUBLE_EQ(mean.standard_error.value(), std::sqrt((4.0 + 1 + 9) / 2 / 3));
  EXPECT_EQ(MeanOverSeeds(std::vector<double>{4}).standard_error, std::nullopt);
}

}  // namespace
}  // namespace deepthin::explorer

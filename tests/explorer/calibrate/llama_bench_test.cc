// llama-bench's output: read, refused, and fitted with as few as four rows.
#include "explorer/calibrate/llama_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "costmodel/pass_estimator.h"
#include "costmodel/pass_traffic.h"
#include "costmodel/soc_presets.h"
#include "spec/json_io.h"
#include "spec/model_presets.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::calibrate {
namespace {

using testing::Contains;
using testing::HasSubstr;

// As llama-bench of build 8d2b5dc prints it, but for keys that nothing reads.
Json BenchTest(int64_t prompt, int64_t generated, double rate) {
  return {{"build_commit", "8d2b5dc"},
          {"cpu_info", "AMD EPYC"},
          {"gpu_info", ""},
          {"model_filename", "mobilellm-125m-q8_0.gguf"},
          {"model_type", "llama ?B Q8_0"},
          {"model_size", 132'456'960},
          {"model_n_params", 124'635'456},
          {"type_k", "f16"},
          {"n_prompt", prompt},
          {"n_gen", generated},
          {"n_depth", 0},
          {"avg_ts", rate},
          {"stddev_ts", 1.5}};
}

std::string ErrorOf(const std::string& text) {
  return InputErrorOf([&] { return ReadLlamaBench(text, "bench.json"); });
}

std::string ErrorWith(const char* key, const Json& value) {
  Json test = BenchTest(0, 128, 50);
  test[key] = value;
  return ErrorOf(Json::array({test}).dump());
}

TEST(ReadLlamaBench, ReadsArraysAndLines) {
  const Json a = BenchTest(512, 0, 900);
  const Json b = BenchTest(0, 128, 50);
  for (const std::string& text : {Json::array({a, b}).dump(2), a.dump() + "\n\n" + b.dump() + "\n",
                                  a.dump() + "\n" + b.dump()}) {
    const auto rows = ReadLlamaBench(text, "bench.json");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].n_prompt, 512);
    EXPECT_EQ(rows[1].n_gen, 128);
    EXPECT_EQ(rows[1].avg_ts, 50);
    EXPECT_EQ(rows[1].device, "AMD EPYC");
  }
}

TEST(ReadLlamaBench, RefusesWhatItIsNot) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("is no JSON"));
  EXPECT_THAT(ErrorOf("| model | size |\n"), HasSubstr("llama-bench -o json or jsonl"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("holds no test"));
  EXPECT_THAT(ErrorOf("[1]"), HasSubstr("/0: is no object"));
  EXPECT_THAT(ErrorOf("[{}]"), HasSubstr("lacks the key 'model_filename'"));
  EXPECT_THAT(ErrorOf("[{"), HasSubstr("is not valid JSON"));
  EXPECT_THAT(ErrorOf(R"([{"avg_ts": NaN}])"), HasSubstr("no NaN"));
  EXPECT_THAT(ErrorOf(BenchTest(1, 0, 2).dump() + "\n{\n"), HasSubstr("line 2"));
  EXPECT_THAT(ErrorWith("avg_ts", 0), HasSubstr("/0/avg_ts: is 0"));
  EXPECT_THAT(ErrorWith("avg_ts", -3.5), HasSubstr("above 0"));
  EXPECT_THAT(ErrorWith("avg_ts", nullptr), HasSubstr("a number"));
  EXPECT_THAT(ErrorWith("n_gen", -1), HasSubstr("is -1"));
  EXPECT_THAT(ErrorWith("n_gen", 1e300), HasSubstr("a whole number"));
  EXPECT_THAT(ErrorWith("n_depth", "deep"), HasSubstr("/n_depth"));
  EXPECT_THAT(ErrorWith("model_type", 7), HasSubstr("a text"));
}

TEST(ReadLlamaBench, AVersionWithoutDepthStartsFromAnEmptyCache) {
  Json test = BenchTest(0, 128, 50);
  test.erase("n_depth");
  EXPECT_EQ(ReadLlamaBench(Json::array({test}).dump(), "b").front().n_depth, 0);
}

LlamaBenchRow RowOf(const Json& test) {
  return ReadLlamaBench(Json::array({test}).dump(), "bench.json").front();
}

const ModelSpec& Model() {
  static const ModelSpec model = *ModelPresetByName("mobilellm-125m");
  return model;
}

TEST(PassOf, IsAPromptOrATokenAtTheMeanContext) {
  const auto prompt = PassOf(RowOf(BenchTest(512, 0, 1'024)), Model(), "b");
  EXPECT_EQ(prompt->pass, (costmodel::Pass{512, 0, 1}));
  EXPECT_DOUBLE_EQ(prompt->time.value(), 0.5);
  const auto token = PassOf(RowOf(BenchTest(0, 128, 50)), Model(), "b");
  EXPECT_EQ(token->pass, (costmodel::Pass{1, 64, 1}));
  EXPECT_DOUBLE_EQ(token->time.value(), 0.02);
  EXPECT_EQ(token->precision.weights, Dtype::kQ8_0);
  EXPECT_EQ(token->precision.kv, Dtype::kF16);
  EXPECT_FALSE(PassOf(RowOf(BenchTest(512, 128, 50)), Model(), "b"));
}

TEST(PassOf, RefusesAnotherModelAndFormatsThatAreNotOurs) {
  EXPECT_THAT(InputErrorOf([] {
                return PassOf(RowOf(BenchTest(0, 128, 50)), *ModelPresetByName("mobilellm-350m"),
                              "b");
              }),
              HasSubstr("model_n_params: is 124635456"));
  Json test = BenchTest(0, 128, 50);
  test["model_type"] = "llama ?B Q4_K - Medium";
  EXPECT_THAT(InputErrorOf([&] { return PassOf(RowOf(test), Model(), "b"); }),
              HasSubstr("f32, f16, bf16, q8_0 or q4_0"));
  test = BenchTest(0, 128, 50);
  test["type_k"] = "iq4_nl";
  EXPECT_THAT(InputErrorOf([&] { return PassOf(RowOf(test), Model(), "b"); }), HasSubstr("type_k"));
}

// Four rows as a known SoC would give them.
// `soc` with this DRAM bandwidth, whatever range it states.
SocSpec WithDram(SocSpec soc, BytesPerSecond bandwidth) {
  MemoryLevel& dram = soc.levels[costmodel::DramLevel(soc)];
  for (auto* number : {&dram.read_bandwidth, &dram.write_bandwidth}) {
    *number = {.value = bandwidth, .source = "assumed: a test", .low = {}, .high = {}};
  }
  return soc;
}

// Two prompts and two generations, as long as `truth` says.
std::vector<costmodel::MeasuredPass> FourPasses(const SocSpec& truth) {
  std::vector<costmodel::MeasuredPass> passes;
  for (const auto& [prompt, generated] :
       {std::pair{512, 0}, std::pair{64, 0}, std::pair{0, 128}, std::pair{0, 512}}) {
    auto pass = *PassOf(RowOf(BenchTest(prompt, generated, 1)), Model(), "b");
    const Problem problem{
        .model = pass.model, .precision = pass.precision, .soc = truth, .workload = {}};
    pass.time = costmodel::EstimatePass(problem, pass.pass).cost.time;
    passes.push_back(pass);
  }
  return passes;
}

TEST(FitLlamaBench, LeavesTheRangesOfTheSocThatItBeginsWith) {
  const SocSpec base = costmodel::SocFromArgument("generic-npu-phone");
  const size_t dram = costmodel::DramLevel(base);
  ASSERT_TRUE(base.levels[dram].read_bandwidth.low.has_value());
  const BytesPerSecond slow(base.levels[dram].read_bandwidth.low->value() / 4);
  const SocSpec fitted =
      FitLlamaBench(base, FourPasses(WithDram(base, slow)), "measured: by a test").soc;
  Validate(fitted);
  EXPECT_LT(fitted.levels[dram].read_bandwidth.value, *base.levels[dram].read_bandwidth.low);
}

TEST(FitLlamaBench, FourRowsGiveTheRatesAndNameTheRest) {
  const SocSpec base = costmodel::SocFromArgument("generic-npu-phone");
  const std::vector<costmodel::MeasuredPass> passes = FourPasses(WithDram(base, GBps(23)));
  const costmodel::SocFit fit = FitLlamaBench(base, passes, "measured: by a test");
  EXPECT_LT(fit.spread, 0.02);
  EXPECT_THAT(fit.undetermined, Contains("fixed.per_operator_s"));
  EXPECT_THAT(fit.undetermined, Contains("fixed.per_executed_block_s"));
  Validate(fit.soc);
  ASSERT_TRUE(fit.soc.residuals && fit.soc.residuals->decode && fit.soc.residuals->prefill);
  EXPECT_EQ(fit.soc.residuals->decode->measurements, 2);
  EXPECT_EQ(fit.soc.levels[0].capacity, base.levels[0].capacity);  // value and source
  // Whatever shares the time of a pass, the passes take what they took.
  for (const costmodel::MeasuredPass& pass : passes) {
    const Problem problem{
        .model = pass.model, .precision = pass.precision, .soc = fit.soc, .workload = {}};
    EXPECT_NEAR(costmodel::EstimatePass(problem, pass.pass).cost.time / pass.time, 1, 0.05);
  }
  bool is_said = false;
  for (const ComputeRate& rate : fit.soc.compute) {
    is_said = is_said || rate.peak.source.find("measured: by a test") != std::string::npos;
  }
  EXPECT_TRUE(is_said);
}

}  // namespace
}  // namespace deepthin::calibrate

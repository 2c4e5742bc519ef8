// EstimateBatch against Estimate: two ways to the same figures.
#include "costmodel/batch_estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "costmodel/estimator.h"
#include "costmodel/residency.h"
#include "costmodel/soc_presets.h"
#include "spec/model_presets.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

bool AgreesInTime(Seconds batch, Seconds one, int64_t executed) {
  const double bound = static_cast<double>(executed + kBatchRounding) * 0x1p-53;
  return std::abs(batch.value() - one.value()) <= bound * one.value();
}

// Empty where entry i says what Estimate() says.
std::string Difference(const BatchCosts& batch, size_t i, const Problem& problem) {
  const CostEstimate one = Estimate(problem);
  const int64_t executed = ExecutedBlocks(problem.model);
  if (batch.decode_dram_bytes[i] != one.decode.dram_bytes) return "decode bytes";
  if (batch.prefill_dram_bytes[i] != one.prefill.dram_bytes) return "prefill bytes";
  if (batch.peak_memory[i] != one.peak_memory) return "peak memory";
  if (!AgreesInTime(batch.decode_time[i], one.decode.time, executed)) return "decode time";
  if (!AgreesInTime(batch.prefill_time[i], one.prefill.time, executed)) return "prefill time";
  return "";
}

std::string DifferenceOf(const Problem& problem) {
  Designs designs;
  designs.Add(problem.model, problem.precision, problem.workload);
  return Difference(EstimateBatch(problem.soc, designs), 0, problem);
}

// Regular schedules with up to 4 executions of each block.
void MakeRegular(ModelSpec& model) {
  model.repeat = Repeat(*rc::gen::element(RepeatKind::kNone, RepeatKind::kImmediate,
                                          RepeatKind::kRepeatAll, RepeatKind::kReverse),
                        1);
  if (model.repeat.kind != RepeatKind::kNone) model.repeat.times = Pick(1, 4);
}

// Capacities near those at which something begins to fit: multiples of blocks and KV entries.
Bytes CapacityNearACliff(const Problem& problem) {
  const Pass pass{1, MeanDecodeContext(problem.workload), problem.workload.batch};
  const OpList list = BuildOpList(problem.model, problem.precision, pass);
  const WeightBytes weights = CountWeightBytes(problem.model, problem.precision);
  const Bytes at = Pick(0, 6) * weights.block + Pick(0, 12) * list.kv_entry_bytes[0] +
                   Pick(0, 1) * weights.embedding + Pick(0, 1) * list.block_workspace +
                   Pick(0, 1) * weights.final_norm + Pick(0, 1) * list.ops.back().activations_out;
  return std::max(Bytes(1), at + Bytes(Pick(-1, 1)));
}

RC_GTEST_PROP(BatchEstimate, SaysWhatEstimateSays, ()) {
  Problem problem = AnyProblem();
  MakeRegular(problem.model);
  for (MemoryLevel& level : problem.soc.levels) level.replacement = Replacement::kLru;
  RC_ASSERT(DifferenceOf(problem) == "");
}

RC_GTEST_PROP(BatchEstimate, SaysWhatEstimateSaysAtTheCliffs, ()) {
  Problem problem = AnyProblem();
  MakeRegular(problem.model);
  problem.soc = SimpleSoc(CapacityNearACliff(problem));
  RC_ASSERT(DifferenceOf(problem) == "");
}

RC_GTEST_PROP(BatchEstimate, SaysWhatEstimateSaysOfAPinnedLevel, ()) {
  Problem problem = AnyProblem();
  MakeRegular(problem.model);
  const Bytes capacity = Pick(0, 1) == 0 ? CapacityNearACliff(problem) : Bytes(Pick(1, 1 << 22));
  problem.soc = SimpleSoc(capacity, Replacement::kPinned);
  Designs designs;
  designs.Add(problem.model, problem.precision, problem.workload);
  const BatchCosts costs = EstimateBatch(problem.soc, designs);
  RC_ASSERT(costs.one_by_one == 0);
  RC_ASSERT(Difference(costs, 0, problem) == "");
}

RC_GTEST_PROP(BatchEstimate, SaysWhatEstimateSaysWithoutSram, ()) {
  Problem problem = AnyProblem();
  MakeRegular(problem.model);
  problem.soc = SimpleSoc(Bytes(1));
  problem.soc.levels.erase(problem.soc.levels.begin());
  RC_ASSERT(DifferenceOf(problem) == "");
}

// Many at once, explicit schedules and mixed levels among them; and designs come out as they went
// in.
RC_GTEST_PROP(BatchEstimate, KeepsDesignsApart, ()) {
  const SocSpec soc = AnySoc();
  std::vector<Problem> problems;
  Designs designs;
  int64_t listed = 0;
  for (int64_t i = Pick(1, 8); i > 0; --i) {
    problems.push_back({AnyModel(), AnyPrecision(), soc, AnyWorkload()});
    const Problem& p = problems.back();
    designs.Add(p.model, p.precision, p.workload);
    if (p.model.repeat.kind == RepeatKind::kExplicit) ++listed;
    RC_ASSERT(designs.model(designs.size() - 1) == p.model);
    RC_ASSERT(designs.precision(designs.size() - 1) == p.precision);
    RC_ASSERT(designs.workload(designs.size() - 1) == p.workload);
  }
  const BatchCosts costs = EstimateBatch(soc, designs);
  RC_ASSERT(costs.one_by_one >= listed);
  for (size_t i = 0; i < problems.size(); ++i) RC_ASSERT(Difference(costs, i, problems[i]) == "");
}

bool HasRates(const SocSpec& soc, const Precision& precision) {
  try {
    for (const Dtype dtype : {precision.weights, precision.embedding, precision.kv}) {
      (void)RateFor(soc, dtype);
    }
  } catch (const InputError&) {
    return false;
  }
  return true;
}

// Every model preset on every SoC preset in every precision that it has rates for, short and long.
TEST(BatchEstimate, CoversThePresets) {
  for (const SocPreset& soc : SocPresets()) {
    Designs designs;
    std::vector<Problem> problems;
    for (const ModelPreset& model : ModelPresets()) {
      for (const NamedPrecision& precision : kPrecisions) {
        if (!HasRates(soc.spec, precision.precision)) continue;
        for (const int64_t prompt : {1, 1'500}) {
          problems.push_back({model.spec, precision.precision, soc.spec, {prompt, 33, 1}});
          designs.Add(problems.back().model, problems.back().precision, problems.back().workload);
        }
      }
    }
    const BatchCosts costs = EstimateBatch(soc.spec, designs);
    EXPECT_GT(designs.size(), 4 * ModelPresets().size());
    EXPECT_EQ(costs.one_by_one, 0) << soc.name;
    for (size_t i = 0; i < problems.size(); ++i) {
      ASSERT_EQ(Difference(costs, i, problems[i]), "")
          << soc.name << ", " << ToText(problems[i].precision.weights) << ", row " << i;
    }
  }
}

TEST(BatchEstimate, CountsWhatItDoesOneByOne) {
  Designs designs;
  ModelSpec model = *ModelPresetByName("mobilellm-ls-125m");
  designs.Add(model, kF32, {64, 32, 1});
  model.repeat = RepeatScheduleFromText("explicit:0-0-1-1");
  designs.Add(model, kF32, {64, 32, 1});
  const SocSpec soc = SocFromArgument("iphone-13");
  EXPECT_EQ(EstimateBatch(soc, designs).one_by_one, 1);

  SocSpec mixed = SocFromArgument("raspberry-pi-5");
  mixed.levels[1].replacement = Replacement::kPinned;
  EXPECT_EQ(EstimateBatch(mixed, designs).one_by_one, 2);
}

TEST(BatchEstimate, SaysWhatEstimateSaysOfACalibratedSoc) {
  const std::string source = "assumed: a test";
  const Problem problem = {.model = *ModelPresetByName("mobilellm-ls-125m"),
                           .precision = kF32,
                           .soc = SocFromArgument("iphone-13"),
                           .workload = {64, 32, 1}};
  const Sourced<MacsPerSecond> slow = {
      .value = MacsPerSecond(1e9), .source = source, .low = {}, .high = {}};
  Problem unpacking = problem;
  for (ComputeRate& rate : unpacking.soc.compute) rate.one_token = slow;
  Problem attending = problem;
  attending.soc.attention = AttentionRate{.peak = slow, .one_token = {}};
  Problem waiting = problem;
  waiting.soc.elementwise = Sourced<BytesPerSecond>{
      .value = BytesPerSecond(1e8), .source = source, .low = {}, .high = {}};
  for (const Problem& calibrated : {unpacking, attending, waiting}) {
    EXPECT_GT(Estimate(calibrated).decode.time, Estimate(problem).decode.time);
    EXPECT_EQ(DifferenceOf(calibrated), "");
  }
}

template <class F>
std::string ErrorOf(F&& f) {
  try {
    f();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(BatchEstimate, RefusesWhatEstimateRefuses) {
  using ::testing::HasSubstr;
  const ModelSpec good = *ModelPresetByName("mobilellm-125m");
  Designs designs;
  ModelSpec model = good;
  model.n_kv_heads = 4;
  EXPECT_THAT(ErrorOf([&] { designs.Add(model, kF32, {64, 32, 1}); }), HasSubstr("n_kv_heads"));
  EXPECT_THAT(ErrorOf([&] { designs.Add(good, kF32, {64, 4'096, 1}); }), HasSubstr("max_seq_len"));
  EXPECT_THAT(ErrorOf([&] { designs.Add(good, kF32, {0, 32, 1}); }), HasSubstr("prompt_tokens"));
  EXPECT_EQ(designs.size(), 0U);

  designs.Add(good, kF32, {64, 32, 1});
  SocSpec soc = SimpleSoc(MiB(8));
  soc.compute[0].dtype = Dtype::kInt8;
  EXPECT_THAT(ErrorOf([&] { (void)EstimateBatch(soc, designs); }), HasSubstr("f32"));
  soc.levels.clear();
  EXPECT_THAT(ErrorOf([&] { (void)EstimateBatch(soc, designs); }), HasSubstr("/soc/levels"));
}

// A problem of any size is counted alike or refused alike; the sanitizers watch for overflow.
RC_GTEST_PROP(BatchEstimate, ExtremeProblemsAreCountedAlikeOrRefused, ()) {
  const auto up_to = [](int power) { return int64_t{1} << Pick(0, power); };
  Problem problem = AnyProblem();
  ModelSpec& model = problem.model;
  MakeRegular(model);
  model.d_model = up_to(20);
  model.d_ff = up_to(20);
  model.vocab_size = up_to(22);
  model.head_dim = 2 * up_to(9);
  model.n_kv_heads = up_to(5);
  model.n_heads = model.n_kv_heads * up_to(5);
  model.max_seq_len = 1 << 24;
  problem.workload = {
      .prompt_tokens = up_to(23), .generated_tokens = up_to(23), .batch = up_to(16)};
  Designs designs;
  try {
    designs.Add(model, problem.precision, problem.workload);
  } catch (const InputError&) {
    RC_ASSERT(ErrorOf([&] { (void)Estimate(problem); }) != "no error");
    return;
  }
  RC_ASSERT(Difference(EstimateBatch(problem.soc, designs), 0, problem) == "");
}

}  // namespace
}  // namespace deepthin::costmodel

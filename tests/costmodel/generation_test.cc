#include "costmodel/generation.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "costmodel/estimator.h"
#include "costmodel/residency.h"
#include "spec/model_presets.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

// Token by token.
struct Summed {
  Seconds time;
  Bytes dram;
};
Summed EveryToken(Problem problem) {
  const Workload work = problem.workload;
  Summed sum;
  for (int64_t i = 0; i < work.generated_tokens; ++i) {
    problem.workload = {
        .prompt_tokens = work.prompt_tokens + i, .generated_tokens = 1, .batch = work.batch};
    const PhaseCost token = Estimate(problem).decode;
    sum.time += token.time;
    sum.dram += token.dram_bytes;
  }
  return sum;
}

bool Near(Seconds a, Seconds b, double tolerance) { return std::abs(a / b - 1) < tolerance; }

RC_GTEST_PROP(EstimateGeneration, IsTheSumOverEveryToken, ()) {
  Problem problem = AnyProblem();
  for (MemoryLevel& level : problem.soc.levels) level.replacement = Replacement::kLru;
  if (Pick(0, 1) == 1) AddCalibratedRates(problem.soc);
  const GenerationCost cost = EstimateGeneration(problem);
  const Summed sum = EveryToken(problem);
  RC_ASSERT(cost.dram_bytes == sum.dram);
  RC_ASSERT(Near(cost.time, sum.time, 1e-9));
  // Segments follow each other without a gap.
  int64_t next = problem.workload.prompt_tokens;
  for (const GenerationSegment& segment : cost.segments) {
    RC_ASSERT(segment.first_context == next && segment.last_context >= next);
    next = segment.last_context + 1;
  }
  RC_ASSERT(next == problem.workload.prompt_tokens + problem.workload.generated_tokens);
}

// A pinned level holds shares of objects, whose bytes are rounded.
RC_GTEST_PROP(EstimateGeneration, IsNearlyTheSumWithPinnedLevels, ()) {
  const Problem problem = AnyProblem();
  const GenerationCost cost = EstimateGeneration(problem);
  const Summed sum = EveryToken(problem);
  const Bytes off(std::abs((cost.dram_bytes - sum.dram).value()));
  RC_ASSERT(off <= sum.dram / 100 + Bytes(64) * problem.workload.generated_tokens);
  RC_ASSERT(Near(cost.time, sum.time, 0.01));
}

// LS-125M: the repeats are free until block and KV outgrow the level, and then all stream again.
TEST(EstimateGeneration, FindsTheContextAtWhichTheRepeatsNoLongerFit) {
  const ModelSpec model = *ModelPresetByName("mobilellm-ls-125m");
  const Precision f16 = *PrecisionByName("f16");
  const Bytes sram = SramNeededToBeFree(model, f16, 700);
  ASSERT_LT(sram, SramNeededToBeFree(model, f16, 701));
  const Problem problem{.model = model,
                        .precision = f16,
                        .soc = SimpleSoc(sram),
                        .workload = {.prompt_tokens = 600, .generated_tokens = 201, .batch = 1}};
  const GenerationCost cost = EstimateGeneration(problem);
  Bytes largest_jump(0);
  int64_t at = 0;
  for (size_t i = 1; i < cost.segments.size(); ++i) {
    const Bytes jump = cost.segments[i].first_dram - cost.segments[i - 1].last_dram;
    if (jump <= largest_jump) continue;
    largest_jump = jump;
    at = cost.segments[i].first_context;
  }
  EXPECT_EQ(at, 701);
  EXPECT_GT(largest_jump, 30 * CountWeightBytes(model, f16).block * 9 / 10);
}

// The mean context stands for the mean token where nothing changes on the way: decode at the mean
// context times the tokens is the integral.
TEST(EstimateGeneration, TheMeanTokenIsTheTokenAtTheMeanContext) {
  Problem problem{.model = *ModelPresetByName("mobilellm-125m"),
                  .precision = *PrecisionByName("f16"),
                  .soc = SimpleSoc(MiB(1)),
                  .workload = {.prompt_tokens = 10, .generated_tokens = 501, .batch = 1}};
  const GenerationCost cost = EstimateGeneration(problem);
  const PhaseCost mean = Estimate(problem).decode;
  EXPECT_EQ(cost.dram_bytes, 501 * mean.dram_bytes);
  EXPECT_TRUE(Near(cost.time, 501.0 * mean.time, 1e-3));
}

TEST(EstimateGeneration, HasAnEnergyOnlyWhereTheSocStatesAllOfIt) {
  Problem problem{.model = *ModelPresetByName("mobilellm-125m"),
                  .precision = *PrecisionByName("f16"),
                  .soc = SimpleSoc(MiB(1)),
                  .workload = {.prompt_tokens = 10, .generated_tokens = 7, .batch = 1}};
  EXPECT_FALSE(EstimateGeneration(problem).energy.has_value());
  for (MemoryLevel& level : problem.soc.levels) {
    level.read_energy = level.write_energy = Assumed(PicojoulesPerByte(40));
  }
  problem.soc.compute[0].energy = Assumed(PicojoulesPerMac(2));
  const GenerationCost cost = EstimateGeneration(problem);
  ASSERT_TRUE(cost.energy.has_value());
  EXPECT_NEAR(*cost.energy / (7.0 * *Estimate(problem).decode.energy), 1, 1e-9);
}

}  // namespace
}  // namespace deepthin::costmodel

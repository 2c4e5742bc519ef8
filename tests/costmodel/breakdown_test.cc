#include "costmodel/breakdown.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "costmodel/estimator.h"
#include "spec/model_presets.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

const LevelTraffic& At(const std::vector<OperandCost>& operands, OperandClass operand,
                       size_t level) {
  return operands[static_cast<size_t>(operand)].traffic[level];
}

RC_GTEST_PROP(Operands, SumToTheOperatorsAtEveryLevel, ()) {
  const Problem problem = AnyProblem();
  const CostEstimate cost = Estimate(problem);
  const auto check = [&](const PhaseCost& phase, const std::vector<OperandCost>& operands) {
    for (size_t level = 0; level < problem.soc.levels.size(); ++level) {
      Bytes read(0);
      Bytes written(0);
      for (const OperatorCost& op : phase.operators) {
        read += op.traffic[level].read;
        written += op.traffic[level].written;
      }
      for (const OperandCost& operand : operands) {
        read -= operand.traffic[level].read;
        written -= operand.traffic[level].written;
      }
      RC_ASSERT(read == Bytes(0));
      RC_ASSERT(written == Bytes(0));
    }
  };
  check(cost.prefill, PrefillOperands(problem));
  check(cost.decode, DecodeOperands(problem));
}

TEST(Operands, OfMobileLlm125mByHand) {
  const Problem problem{.model = *ModelPresetByName("mobilellm-125m"),
                        .precision = *PrecisionByName("f16"),
                        .soc = SimpleSoc(MiB(1)),
                        .workload = {.prompt_tokens = 1'024, .generated_tokens = 1, .batch = 1}};
  const std::vector<OperandCost> operands = DecodeOperands(problem);
  const size_t sram = 0;
  const size_t dram = 1;
  const int64_t block = 576 * 960 + 576 * 576 + 3 * 576 * 1'536;
  EXPECT_EQ(At(operands, OperandClass::kWeights, dram).read, Bytes(30 * 2 * block + 61 * 576 * 4));
  EXPECT_EQ(At(operands, OperandClass::kHead, dram).read, Bytes(2 * 576 * 32'000));
  EXPECT_EQ(At(operands, OperandClass::kEmbedding, dram).read, Bytes(2 * 576));
  EXPECT_EQ(At(operands, OperandClass::kKv, dram).read, Bytes(30 * 2 * 192 * 2 * 1'024));
  EXPECT_EQ(At(operands, OperandClass::kKv, dram).written, Bytes(30 * 2 * 192 * 2));
  EXPECT_EQ(At(operands, OperandClass::kKv, sram).read, Bytes(30 * 2 * 192 * 2)) << "the token's";
  EXPECT_EQ(At(operands, OperandClass::kActivations, dram).read, Bytes(0));
  EXPECT_GT(At(operands, OperandClass::kActivations, sram).read, Bytes(0));
  EXPECT_NEAR(At(operands, OperandClass::kHead, dram).time.value(), 2 * 576 * 32'000 / 51.2e9,
              1e-12);
}

RC_GTEST_PROP(DecodeByReplacement, NeitherPolicyGoesBelowTheBound, ()) {
  const Problem problem = AnyProblem();
  const ReplacementBytes bytes = DecodeByReplacement(problem);
  RC_ASSERT(bytes.bound >= Bytes(0));
  RC_ASSERT(bytes.bound <= bytes.lru);
  RC_ASSERT(bytes.bound <= bytes.pinned);
}

TEST(DecodeByReplacement, IsWhatEstimateSaysUnderEachPolicy) {
  Problem problem{.model = *ModelPresetByName("mobilellm-ls-125m"),
                  .precision = *PrecisionByName("f16"),
                  .soc = SimpleSoc(MiB(6)),
                  .workload = {.prompt_tokens = 64, .generated_tokens = 1, .batch = 1}};
  const ReplacementBytes bytes = DecodeByReplacement(problem);
  EXPECT_EQ(bytes.lru, Estimate(problem).decode.dram_bytes);
  problem.soc.levels[0].replacement = Replacement::kPinned;
  EXPECT_EQ(bytes.pinned, Estimate(problem).decode.dram_bytes);
  // Blocks of 7.08 MB run twice in a row: LRU finds nothing of them in 6 MiB, a fixed choice saves
  // what it holds twice a token, and the best saves what fits at each of the 30 repeats.
  EXPECT_LT(bytes.pinned, bytes.lru);
  EXPECT_LT(bytes.bound, bytes.lru - 30 * MiB(5));
}

}  // namespace
}  // namespace deepthin::costmodel

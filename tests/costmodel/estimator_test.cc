#include "costmodel/estimator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "costmodel/closed_form.h"
#include "costmodel/residency.h"
#include "spec/model_presets.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

using ::testing::HasSubstr;

ModelSpec Model(std::string_view name) { return *ModelPresetByName(name); }

// DRAM alone takes time: everything else is (nearly) infinitely fast.
SocSpec DramBoundSoc(Bytes sram) {
  SocSpec soc = SimpleSoc(sram);
  soc.levels[0].read_bandwidth = soc.levels[0].write_bandwidth = Assumed(GBps(1e9));
  soc.compute[0].peak = Assumed(GMacsPerSecond(1e9));
  return soc;
}

Problem AtContext(ModelSpec model, std::string_view precision, SocSpec soc, int64_t context) {
  return {.model = std::move(model),
          .precision = *PrecisionByName(precision),
          .soc = std::move(soc),
          .workload = {.prompt_tokens = context, .generated_tokens = 1}};
}

const OperatorCost& Operator(const PhaseCost& phase, std::string_view name) {
  for (const OperatorCost& op : phase.operators) {
    if (op.name == name) return op;
  }
  ADD_FAILURE() << "no operator " << name;
  return phase.operators.front();
}

std::string ErrorOf(const Problem& problem) {
  try {
    (void)Estimate(problem);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

// Hand arithmetic, MobileLLM-125M: parameters of a block's matrices, of all, and with norms.
constexpr int64_t kBlockParams = 576 * 960 + 576 * 576 + 3 * 576 * 1'536;
constexpr int64_t kTableParams = 32'000 * 576;
static_assert(30 * kBlockParams + kTableParams + 61 * 576 == 124'635'456);

TEST(Estimate, DecodeIsBytesOverBandwidthPlusFixedCostsWhereNothingFits) {
  SocSpec soc = DramBoundSoc(KiB(256));  // activations and logits, but no weights
  soc.fixed = {.per_operator = Assumed(Microseconds(2)),
               .per_executed_block = Assumed(Microseconds(13)),
               .per_token = Assumed(Microseconds(70))};
  const CostEstimate cost = Estimate(AtContext(Model("mobilellm-125m"), "f16", soc, 1'024));

  const int64_t weights = 2 * (30 * kBlockParams + kTableParams) + 61 * 576 * 4;
  const int64_t kv_token = 30 * 2 * 192 * 2;
  const int64_t bytes = weights + 2 * 576 + 1'024 * kv_token + kv_token;
  EXPECT_EQ(cost.decode.context_tokens, 1'024);
  EXPECT_EQ(cost.decode.dram_bytes, Bytes(bytes));
  EXPECT_EQ(cost.weight_bytes, Bytes(weights));
  const double fixed = (30 * 9 + 3) * 2e-6 + 30 * 13e-6 + 70e-6;
  EXPECT_NEAR(cost.decode.time.value(), static_cast<double>(bytes) / 51.2e9 + fixed, 1e-9);
  EXPECT_EQ(cost.decode.limited_by, "dram");
  EXPECT_NEAR(Operator(cost.decode, kPerExecutedBlockName).time.value(), 30 * 13e-6, 1e-12);
  EXPECT_NEAR(Operator(cost.decode, kPerTokenName).time.value(), 70e-6, 1e-12);
  EXPECT_EQ(Operator(cost.decode, "ffn_up").executions, 30);
  EXPECT_EQ(Operator(cost.decode, "ffn_act").limited_by, "fixed");
}

// What first principles say of 1-byte weights and KV at context 1,024 (136.4 MB for MobileLLM-125M)
// counts neither the scales of int8 nor f32 norms, the KV written, or the row looked up.
struct FirstPrinciples {
  int64_t scales_of_block = 4 * (960 + 576 + 3'072 + 576);
  int64_t norms_of_block = 2 * 576 * 3;                // beyond one byte each
  int64_t outside = 4 * 32'000 + 576 * 3 + (576 + 4);  // table scales, final norm, the row

  [[nodiscard]] int64_t Beyond(int64_t block_passes, int64_t executed) const {
    const int64_t kv = executed * 2 * (1'024 * 4 + 192 + 4);  // scales read; the token written
    return block_passes * (scales_of_block + norms_of_block) + outside + kv;
  }
};

TEST(Estimate, BytesOfOneByteWeightsAreThoseOfFirstPrinciples) {
  Problem problem = AtContext(Model("mobilellm-125m"), "w8a8", DramBoundSoc(MiB(1)), 1'024);
  problem.soc.compute.push_back(
      {.dtype = Dtype::kInt8, .peak = Assumed(GMacsPerSecond(1e9)), .energy = {}});
  problem.precision.kv = Dtype::kInt8;
  const FirstPrinciples known;

  const int64_t once = 124'635'456 + 30 * 2 * 192 * 1'024;
  EXPECT_EQ(once, 136'431'936);  // the 136.4 MB
  EXPECT_EQ(Estimate(problem).decode.dram_bytes, Bytes(once + known.Beyond(30, 30)));

  // LS, each block twice: 148.2 MB where a block stays in 8 MiB of SRAM, 254.4 MB where none does.
  problem.model = Model("mobilellm-ls-125m");
  const int64_t kv = 60 * 2 * 192 * 1'024;
  const int64_t nothing_resident = 124'635'456 + 30 * (kBlockParams + 2 * 576) + kv;
  const int64_t resident = 124'635'456 + kv;
  EXPECT_NEAR(static_cast<double>(nothing_resident), 254.4e6, 0.05e6);
  EXPECT_NEAR(static_cast<double>(resident), 148.2e6, 0.05e6);
  const CostEstimate streamed = Estimate(problem);
  EXPECT_EQ(streamed.decode.dram_bytes, Bytes(nothing_resident + known.Beyond(60, 60)));
  problem.soc = DramBoundSoc(MiB(8));
  problem.soc.compute.push_back(
      {.dtype = Dtype::kInt8, .peak = Assumed(GMacsPerSecond(1e9)), .energy = {}});
  const CostEstimate kept = Estimate(problem);
  EXPECT_EQ(kept.decode.dram_bytes, Bytes(resident + known.Beyond(30, 60)));
  EXPECT_NEAR(streamed.decode.time / kept.decode.time, 254.4 / 148.2, 0.01);
}

TEST(Estimate, RepeatsAreFreeFromTheStatedCapacityOn) {
  const ModelSpec model = Model("mobilellm-ls-125m");
  const Bytes needed = SramNeededToBeFree(model, *PrecisionByName("f16"), 200);
  const auto bytes = [&](Bytes sram) {
    return Estimate(AtContext(model, "f16", DramBoundSoc(sram), 200)).decode.dram_bytes;
  };
  const Bytes block(2 * kBlockParams + 2 * 576 * 4);
  EXPECT_EQ(bytes(needed - Bytes(1)) - bytes(needed), 30 * block);
  EXPECT_EQ(bytes(needed), bytes(needed + MiB(4)));
}

TEST(Estimate, PinnedLevelSavesEachHeldByteAsOftenAsItIsRead) {
  ModelSpec model = Model("mobilellm-ls-125m");
  SocSpec soc = DramBoundSoc(MiB(8));
  soc.levels[0].replacement = Replacement::kPinned;
  const Bytes workspace = BuildOpList(model, *PrecisionByName("f16"), {1, 200, 1}).block_workspace;
  const Bytes streamed =
      Estimate(AtContext(model, "f16", DramBoundSoc(MiB(1)), 200)).decode.dram_bytes;
  EXPECT_EQ(Estimate(AtContext(model, "f16", soc, 200)).decode.dram_bytes,
            streamed - 2 * (MiB(8) - workspace));
}

// The reason for the condition on the ordering of schedules in estimator_property_test.cc. Blocks
// of 7.08 MB, a head of 1.15 MB and a level that holds two blocks, but not the head with them.
TEST(Estimate, ReverseBeatsImmediateOnceABlockSurvivesTheHead) {
  ModelSpec model = Model("mobilellm-125m");
  model.vocab_size = 1'000;
  const auto bytes = [&](RepeatKind kind) {
    model.repeat = Repeat(kind, 2);
    return Estimate(AtContext(model, "f16", DramBoundSoc(MiB(14)), 10)).decode.dram_bytes;
  };
  const Bytes block(2 * kBlockParams + 2 * 576 * 4);
  // A A B B: each block misses once a token. A B B A: both repeats hit, and the first block of a
  // token is the last one of the token before.
  model.n_blocks = 2;
  EXPECT_EQ(bytes(RepeatKind::kImmediate) - bytes(RepeatKind::kReverse), block);
  // With 30 blocks the hits at both turns (2 + 1) do not make up for the repeats that miss.
  model.n_blocks = 30;
  EXPECT_EQ(bytes(RepeatKind::kReverse) - bytes(RepeatKind::kImmediate), 27 * block);
}

TEST(Estimate, BatchReadsWeightsOnceAndKvPerSequence) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(MiB(1)), 500);
  const Bytes one = Estimate(problem).decode.dram_bytes;
  problem.workload.batch = 4;
  const CostEstimate cost = Estimate(problem);
  const int64_t kv_token = 30 * 2 * 192 * 2;
  EXPECT_EQ(cost.decode.dram_bytes - one, 3 * Bytes(501 * kv_token + 2 * 576));
  EXPECT_EQ(cost.decode.macs, DecodeBound(problem).macs);
}

TEST(Estimate, DecodesAtTheMeanContextRoundedUp) {
  EXPECT_EQ(MeanDecodeContext({.prompt_tokens = 10, .generated_tokens = 1}), 10);
  EXPECT_EQ(MeanDecodeContext({.prompt_tokens = 10, .generated_tokens = 2}), 11);  // 10.5
  EXPECT_EQ(MeanDecodeContext({.prompt_tokens = 10, .generated_tokens = 3}), 11);
  EXPECT_EQ(MeanDecodeContext({.prompt_tokens = 10, .generated_tokens = 64}), 42);  // 41.5
}

TEST(Estimate, PrefillThatFitsMovesWeightsOnceAndTheKvOut) {
  const CostEstimate cost =
      Estimate(AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(MiB(4)), 64));
  const int64_t weights = 2 * (30 * kBlockParams + kTableParams) + 61 * 576 * 4;
  EXPECT_EQ(cost.prefill.context_tokens, 0);
  EXPECT_EQ(cost.prefill.dram_bytes, Bytes(weights + 64 * 2 * 576 + 64 * 30 * 2 * 192 * 2));
}

// Activations of 64 rows hold 64 x 10,368 bytes at most: one byte less and they go to DRAM.
TEST(Estimate, PrefillSpillsItsActivationsOneByteBelowTheirSize) {
  const auto bytes = [](Bytes sram) {
    return Estimate(AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(sram), 64))
        .prefill.dram_bytes;
  };
  const Bytes workspace(64 * 10'368);
  EXPECT_EQ(bytes(workspace), bytes(workspace + MiB(1)));
  EXPECT_GT(bytes(workspace - Bytes(1)), bytes(workspace) + 30 * workspace);
}

TEST(Estimate, ComputeBoundWhereTheArithmeticIsSlow) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f16", SimpleSoc(MiB(8)), 256);
  problem.soc.compute[0].peak = Assumed(GMacsPerSecond(1));
  const CostEstimate cost = Estimate(problem);
  EXPECT_EQ(cost.prefill.limited_by, "compute");
  EXPECT_EQ(Operator(cost.decode, "qkv").limited_by, "compute");
  EXPECT_NEAR(cost.prefill.time.value(), static_cast<double>(cost.prefill.macs.value()) * 1e-9,
              0.01 * cost.prefill.time.value());
}

TEST(Estimate, SeveralLevelsServeByTheirOwnCapacity) {
  // A small level holds activations, a large one the repeated block.
  Problem problem = AtContext(Model("mobilellm-ls-125m"), "f16", DramBoundSoc(KiB(256)), 100);
  problem.soc.levels.insert(problem.soc.levels.begin() + 1,
                            Level("slc", LevelKind::kSram, MiB(16), GBps(200)));
  const CostEstimate cost = Estimate(problem);
  const OperatorCost& up = Operator(cost.decode, "ffn_up");
  const Bytes tensor(2 * 576 * 3'072);
  EXPECT_EQ(up.traffic[0].read, 60 * Bytes(2 * 576));
  EXPECT_EQ(up.traffic[0].written, 60 * Bytes(2 * 3'072));
  EXPECT_EQ(up.traffic[1].read, 30 * tensor);
  EXPECT_EQ(up.traffic[2].read, 30 * tensor);
}

TEST(Estimate, PeakMemoryIsWeightsKvAtTheEndAndLargestActivations) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(MiB(8)), 100);
  problem.workload.generated_tokens = 50;
  problem.workload.batch = 2;
  const Bytes weights(2 * (30 * kBlockParams + kTableParams) + 61 * 576 * 4);
  const Bytes kv(2 * 150 * 30 * 2 * 192 * 2);
  const Bytes activations(2 * 100 * 10'368);  // ffn_act of the prompt
  const Bytes peak = weights + kv + activations;
  problem.soc.levels[1].capacity = Assumed(peak);
  EXPECT_EQ(Estimate(problem).peak_memory, peak);
  EXPECT_TRUE(Estimate(problem).fits_memory);
  problem.soc.levels[1].capacity = Assumed(peak - Bytes(1));
  EXPECT_FALSE(Estimate(problem).fits_memory);
}

TEST(Estimate, EnergyIsBytesAndMacsTimesWhatTheyCost) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(MiB(1)), 10);
  EXPECT_FALSE(Estimate(problem).decode.energy.has_value());
  for (MemoryLevel& level : problem.soc.levels) {
    const bool dram = level.kind == LevelKind::kDram;
    level.read_energy = Assumed(PicojoulesPerByte(dram ? 40 : 0));
    level.write_energy = Assumed(PicojoulesPerByte(dram ? 40 : 0));
  }
  EXPECT_FALSE(Estimate(problem).decode.energy.has_value()) << "of compute nothing is known";
  problem.soc.compute[0].energy = Assumed(PicojoulesPerMac(2));
  const CostEstimate cost = Estimate(problem);
  const double expected = static_cast<double>(cost.decode.dram_bytes.value()) * 40e-12 +
                          static_cast<double>(cost.decode.macs.value()) * 2e-12;
  ASSERT_TRUE(cost.decode.energy.has_value());
  EXPECT_NEAR(cost.decode.energy->value(), expected, 1e-9 * expected);
}

TEST(RateFor, FallsBackToAFloatThatIsWideEnough) {
  SocSpec soc = SimpleSoc(MiB(1));
  soc.compute = {{.dtype = Dtype::kF32, .peak = Assumed(GMacsPerSecond(100)), .energy = {}},
                 {.dtype = Dtype::kF16, .peak = Assumed(GMacsPerSecond(300)), .energy = {}},
                 {.dtype = Dtype::kInt8, .peak = Assumed(GMacsPerSecond(900)), .energy = {}}};
  struct Row {
    Dtype asked, used;
  };
  for (const Row& row : {Row{Dtype::kF32, Dtype::kF32}, Row{Dtype::kF16, Dtype::kF16},
                         Row{Dtype::kBf16, Dtype::kF16}, Row{Dtype::kQ4_0, Dtype::kF16},
                         Row{Dtype::kQ8_0, Dtype::kF16}, Row{Dtype::kInt8, Dtype::kInt8}}) {
    EXPECT_EQ(RateFor(soc, row.asked).dtype, row.used) << ToText(row.asked);
  }
}

TEST(Estimate, RefusesWhatTheSocCannotMultiply) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f32", SimpleSoc(MiB(1)), 10);
  problem.soc.compute[0].dtype = Dtype::kF16;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("/soc/compute: has no rate at which f32"));
  EXPECT_THAT(ErrorOf(problem), HasSubstr("f16"));
  problem.soc.compute[0].dtype = Dtype::kInt8;
  problem.precision = *PrecisionByName("q4_0");
  EXPECT_THAT(ErrorOf(problem), HasSubstr("int8"));
}

TEST(Estimate, RefusesHostileProblemsInsteadOfOverflowing) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f32", SimpleSoc(MiB(1)), 10);
  problem.model.max_seq_len = 1 << 24;
  problem.workload = {.prompt_tokens = (1 << 24) - 1, .generated_tokens = 1, .batch = 1 << 16};
  EXPECT_THAT(ErrorOf(problem), HasSubstr("/workload"));
  problem.workload = {.prompt_tokens = 100, .generated_tokens = 1, .batch = 1};
  problem.model.d_model = problem.model.d_ff = 1 << 20;
  problem.model.n_heads = 1 << 10;
  problem.model.n_kv_heads = 1 << 10;
  problem.model.head_dim = 1 << 10;
  problem.model.n_blocks = 1 << 14;
  problem.model.vocab_size = 1 << 22;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("/workload"));
  problem.workload.prompt_tokens = 0;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("/workload/prompt_tokens"));
}

TEST(Estimate, NamesItsModelAndVersion) {
  const CostEstimate cost =
      Estimate(AtContext(Model("mobilellm-125m"), "f16", SimpleSoc(MiB(1)), 1));
  EXPECT_EQ(cost.model_name, kModelName);
  EXPECT_EQ(cost.model_version, kModelVersion);
}

// Compute-bound everywhere: a token at the rate of one token, a prompt of 4 at four times as much,
// a long one at the peak.
TEST(Estimate, OneTokenIsSlowerThanMany) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(MiB(64)), 64);
  problem.soc.compute[0].peak.value = GMacsPerSecond(10);
  problem.soc.compute[0].one_token = Assumed(GMacsPerSecond(1));
  const auto time_of = [&](int64_t prompt, const char* name) {
    problem.workload = {.prompt_tokens = prompt, .generated_tokens = 1};
    const PhaseCost prompted = Estimate(problem).prefill;
    const OperatorCost& op = Operator(prompted, name);
    return op.compute_time.value() / static_cast<double>(op.macs.value());
  };
  EXPECT_NEAR(time_of(1, "ffn_up") * 1e9, 1, 1e-9);
  EXPECT_NEAR(time_of(4, "ffn_up") * 1e9, 0.25, 1e-9);
  EXPECT_NEAR(time_of(64, "ffn_up") * 1e9, 0.1, 1e-9);
  EXPECT_NEAR(time_of(64, "head") * 1e9, 1, 1e-9);  // the last token alone
}

// Weights of a format, once for all tokens, whatever their number; one token alone needs none.
TEST(Estimate, SeveralTokensUnpackEachWeightOnce) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(MiB(64)), 64);
  problem.soc.compute[0].peak.value = GMacsPerSecond(10);
  problem.soc.compute[0].one_token = Assumed(GMacsPerSecond(4));
  problem.soc.compute[0].unpack = Assumed(GBps(0.5));
  const auto ffn_up = [&](int64_t prompt) {
    problem.workload = {.prompt_tokens = prompt, .generated_tokens = 1};
    return Operator(Estimate(problem).prefill, "ffn_up").compute_time.value();
  };
  const double weights = 30 * 2 * 576.0 * 1536;  // gate and up of 30 blocks
  EXPECT_NEAR(ffn_up(1), weights / 4e9, 1e-9);
  EXPECT_NEAR(ffn_up(2), 2 * weights / 10e9 + 2 * weights / 0.5e9, 1e-9);
  EXPECT_NEAR(ffn_up(64), 64 * weights / 10e9 + 2 * weights / 0.5e9, 1e-9);
}

TEST(Estimate, WhatIsExposedComesOnTopOfTheLonger) {
  constexpr double kWeights = 30.0 * 576 * 1536;
  for (const double gmacs : {20.0, 40.0}) {  // DRAM delivers 25.6e9 weights a second
    Problem problem = AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(KiB(256)), 64);
    problem.soc.compute[0].one_token = Assumed(GMacsPerSecond(gmacs));
    problem.soc.compute[0].exposed = Assumed(Share(0.25));
    const double transfer = 2 * kWeights / 51.2e9;
    const double compute = kWeights / (1e9 * gmacs);
    const OperatorCost op = Operator(Estimate(problem).decode, "ffn_down");
    EXPECT_NEAR(op.time.value(), std::max(transfer, compute) + 0.25 * std::min(transfer, compute),
                1e-9);
    EXPECT_EQ(op.limited_by, transfer > compute ? "dram" : "compute");
  }
}

TEST(Estimate, AttentionUnpacksKeysAndValuesOnceForTheHeadsThatShareThem) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(MiB(64)), 1000);
  problem.soc.attention = AttentionRate{.peak = Assumed(GMacsPerSecond(10)),
                                        .one_token = Assumed(GMacsPerSecond(40)),
                                        .kv_unpack = Assumed(GBps(2))};
  const OperatorCost op = Operator(Estimate(problem).decode, "attention");
  const double kv = 30 * 2 * 3 * 64 * 1000.0;  // blocks, K and V, KV heads, head_dim, context
  const double macs = static_cast<double>(op.macs.value());
  EXPECT_NEAR(macs / (kv * 3), 1, 2e-3);  // 9 heads share 3, and the token itself
  EXPECT_NEAR(op.compute_time.value(), macs / 40e9 + 2 * kv / 2e9, 1e-9);
}

TEST(Estimate, AttentionHasRatesOfItsOwn) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(MiB(64)), 64);
  const PhaseCost before = Estimate(problem).prefill;
  problem.soc.attention = AttentionRate{.peak = Assumed(GMacsPerSecond(1e-3)), .one_token = {}};
  const PhaseCost after = Estimate(problem).prefill;
  for (size_t i = 0; i < after.operators.size(); ++i) {
    const OperatorCost& op = after.operators[i];
    if (op.name == "attention") {
      EXPECT_NEAR(op.compute_time.value(), static_cast<double>(op.macs.value()) / 1e6,
                  1e-9 * op.compute_time.value());
    } else {
      EXPECT_EQ(op.time, before.operators[i].time) << op.name;
    }
  }
}

TEST(Estimate, ElementwiseWorkTakesTimeWhereARateIsStated) {
  Problem problem = AtContext(Model("mobilellm-125m"), "f16", DramBoundSoc(MiB(64)), 64);
  problem.soc.elementwise = Assumed(BytesPerSecond(1e6));
  const PhaseCost prompted = Estimate(problem).prefill;
  const OperatorCost& op = Operator(prompted, "ffn_act");
  // 30 blocks, 64 tokens, gate and up in and their product out, f16.
  const double bytes = 30.0 * 64 * 3 * 1'536 * 2;
  EXPECT_NEAR(op.time.value(), bytes / 1e6, 1e-9 * op.time.value());
}

}  // namespace
}  // namespace deepthin::costmodel

#include "costmodel/simulate.h"

#include <gtest/gtest.h>

#include "costmodel/estimator.h"
#include "costmodel/pass_traffic.h"
#include "costmodel/residency.h"
#include "costmodel/simulation_bound.h"
#include "spec/model_presets.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

OpList Token(std::string_view model, std::string_view precision, int64_t context) {
  return BuildOpList(*ModelPresetByName(model), *PrecisionByName(precision), {1, context, 1});
}

double Ratio(Bytes simulated, Bytes closed) { return simulated / closed; }

// The figures that a user sees: the paper's models, from nothing fits to all fits.
TEST(Simulate, AgreesOnThePapersModelsAtEverySize) {
  struct Row {
    const char* model;
    const char* precision;
    Bytes sram;
  };
  for (const Row& row :
       {Row{"mobilellm-125m", "f16", MiB(1)}, Row{"mobilellm-125m", "q4_0", MiB(128)},
        Row{"mobilellm-ls-125m", "f16", MiB(4)}, Row{"mobilellm-ls-125m", "f16", MiB(8)},
        Row{"mobilellm-ls-125m", "q8_0", MiB(3)}, Row{"mobilellm-ls-125m", "q8_0", MiB(5)},
        Row{"mobilellm-ls-125m", "q8_0", MiB(256)}}) {
    SCOPED_TRACE(std::string(row.model) + " " + row.precision + " " +
                 std::to_string(row.sram.value()));
    const OpList list = Token(row.model, row.precision, 256);
    const SocSpec soc = SimpleSoc(row.sram);
    const Bytes closed = ClosedDramBytes(list, soc);
    for (const int64_t ways : {0, 16}) {
      const Bytes simulated = Simulate(list, soc, {.line = KiB(1), .ways = ways}).dram_bytes();
      if (closed < MiB(1)) {
        EXPECT_LT(simulated, MiB(1)) << "all fits";
      } else {
        EXPECT_NEAR(Ratio(simulated, closed), 1, 0.01) << ways << " ways";
      }
    }
  }
}

// A stack distance at the cliff, in lines: what the repeat needs fits at n lines and not at n - 1.
// One block, so that the only reuse within a token is that of its weights, in f32 and with widths
// that are whole lines.
TEST(Simulate, TheCliffIsTightToALine) {
  ModelSpec model;
  model.n_blocks = 3;
  model.d_model = 64;
  model.n_heads = 2;
  model.n_kv_heads = 2;
  model.head_dim = 32;
  model.d_ff = 128;
  model.vocab_size = 4'096;
  model.repeat = Repeat(RepeatKind::kImmediate, 2);
  const Bytes line(256);
  const OpList list = BuildOpList(model, kF32, {1, 7, 1});
  // From the last byte of the first execution's tensor to its next touch lie the block, its KV
  // entry and, of the activations, the lines that the block's operators touch: all of residual and
  // arena.
  const auto weights_read = [&](int64_t lines) {
    const SimulatedPass pass = Simulate(list, SimpleSoc(lines * line), {.line = line});
    Bytes read(0);
    for (size_t i = 0; i < list.ops.size(); ++i) {
      if (list.ops[i].kind == OpKind::kFfnUp) read += pass.ops[i].moved.read[pass.dram];
    }
    return read;
  };
  const Bytes needed = SramNeededToBeFree(model, kF32, list.pass.context_tokens, list.pass.batch);
  const Bytes tensor = StorageBytes(Dtype::kF32, 2 * 128, 64);
  int64_t free_from = 0;  // lines
  for (int64_t lines = 1; lines <= needed.value() / line.value() + 16; ++lines) {
    if (weights_read(lines) == 3 * tensor) {
      free_from = lines;
      break;
    }
  }
  ASSERT_GT(free_from, 0);
  EXPECT_EQ(weights_read(free_from - 1), 6 * tensor) << "all or nothing, one line apart";
  EXPECT_LE(free_from * line, needed + line);
  EXPECT_GE(free_from * line, needed - list.block_workspace);
}

// The overlap that the closed form assumes is what two buffers of 4 KiB give, but for the first
// load and the last tile of each operator.
TEST(Simulate, DoubleBufferingComesCloseToPerfectOverlap) {
  for (const char* model : {"mobilellm-125m", "mobilellm-ls-125m"}) {
    SCOPED_TRACE(model);
    Problem problem{.model = *ModelPresetByName(model),
                    .precision = *PrecisionByName("f16"),
                    .soc = SimpleSoc(MiB(8)),
                    .workload = {.prompt_tokens = 256, .generated_tokens = 1, .batch = 1}};
    const Seconds closed = Estimate(problem).decode.time;
    const Seconds simulated = Simulate(Token(model, "f16", 256), problem.soc, {}).time;
    EXPECT_GT(simulated / closed, 0.999);
    EXPECT_LT(simulated / closed, 1.03);
  }
}

// A near level that holds activations and a far one that holds a block: each sees what it should.
TEST(Simulate, LevelsServeWhatTheyHold) {
  SocSpec soc = SimpleSoc(KiB(256));
  soc.levels.insert(soc.levels.begin() + 1, Level("slc", LevelKind::kSram, MiB(16), GBps(200)));
  const OpList list = Token("mobilellm-ls-125m", "f16", 100);
  const SimulatedPass pass = Simulate(list, soc, {.line = KiB(1)});
  Bytes slc(0);
  Bytes dram(0);
  for (size_t i = 0; i < list.ops.size(); ++i) {
    if (list.ops[i].kind != OpKind::kFfnUp) continue;
    slc += pass.ops[i].moved.read[1];
    dram += pass.ops[i].moved.read[2];
  }
  const Bytes tensor(2 * 576 * 3'072);
  EXPECT_EQ(slc, 30 * tensor);
  EXPECT_EQ(dram, 30 * tensor);
}

// A prompt whose activations do not fit: what the larger products read again is what their tiling
// says. The simulation leaves an eighth of the level to double buffering, hence the closed form's
// figure for a level that much smaller.
TEST(Simulate, ASpilledPromptReadsAgainAsItsTilingSays) {
  ModelSpec model = *ModelPresetByName("mobilellm-125m");
  model.n_blocks = 2;
  const OpList list = BuildOpList(model, *PrecisionByName("f16"), {100, 0, 1});
  for (const Bytes sram : {KiB(32), KiB(64), KiB(128)}) {
    const SocSpec soc = SimpleSoc(sram);
    const SimulatedPass pass = Simulate(list, soc, {.line = Bytes(128), .warm_up = 0});
    const Bytes room = sram - sram / 8 - 8 * Bytes(128);
    const PassTraffic closed = TrafficOf(list, SimpleSoc(room));
    for (size_t i = 0; i < list.ops.size(); ++i) {
      const Op& op = list.ops[i];
      if (op.kind != OpKind::kQkv && op.kind != OpKind::kFfnUp && op.kind != OpKind::kFfnDown) {
        continue;
      }
      SCOPED_TRACE(std::string(ToText(op.kind)) + " in " + std::to_string(sram.value()));
      const Bytes once = op.weights + op.activations_in;
      EXPECT_GT(closed.read(i, 1), once * 3 / 2) << "this is about reading again";
      EXPECT_NEAR(Ratio(pass.ops[i].moved.read[1], closed.read(i, 1)), 1, 0.1);
    }
  }
}

TEST(Simulate, WithoutSramEverythingIsDramTraffic) {
  SocSpec soc = SimpleSoc(MiB(1));
  soc.levels.erase(soc.levels.begin());
  const OpList list = Token("mobilellm-125m", "f16", 64);
  const SimulatedPass pass = Simulate(list, soc, {});
  EXPECT_EQ(pass.dram, 0u);
  EXPECT_NEAR(Ratio(pass.dram_bytes(), ClosedDramBytes(list, soc)), 1, 0.05);
}

}  // namespace
}  // namespace deepthin::costmodel

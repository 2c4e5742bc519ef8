// Figures that follow from parameter counts and a bandwidth alone, against the whole estimator.
#include <gtest/gtest.h>

#include "costmodel/closed_form.h"
#include "costmodel/estimator.h"
#include "spec/model_presets.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

constexpr int64_t kContext = 1'024;
constexpr int64_t kBlockParams = 576 * 960 + 576 * 576 + 3 * 576 * 1'536;
constexpr double kBandwidth = 51.2e9;
constexpr double kRate = 0.5e12;  // 1 TFLOP/s in MACs

// 1-byte weights and KV, 51.2 GB/s, 1 TFLOP/s, no fixed costs; SRAM takes no time.
Problem OneByte(std::string_view model, Bytes sram) {
  Problem problem{.model = *ModelPresetByName(model),
                  .precision = *PrecisionByName("w8a8"),
                  .soc = SimpleSoc(sram),
                  .workload = {.prompt_tokens = kContext, .generated_tokens = 1, .batch = 1}};
  problem.precision.kv = Dtype::kInt8;
  problem.soc.levels[0].read_bandwidth = problem.soc.levels[0].write_bandwidth = Assumed(GBps(1e9));
  problem.soc.compute = {
      {.dtype = Dtype::kInt8, .peak = Assumed(GMacsPerSecond(500)), .energy = {}}};
  return problem;
}

// What int8 stores beyond a byte for each number, and what a token moves beside weights and KV:
// scales, norms in f32, the row looked up, the KV written.
int64_t Beyond(int64_t block_passes, int64_t executed) {
  const int64_t block = 4 * (960 + 576 + 3'072 + 576) + 2 * 576 * 3;
  const int64_t outside = 4 * 32'000 + 576 * 3 + (576 + 4);
  return block_passes * block + outside + executed * 2 * (kContext * 4 + 192 + 4);
}

double Milliseconds(int64_t bytes) { return 1e3 * static_cast<double>(bytes) / kBandwidth; }

TEST(FirstPrinciples, MobileLlm125mIs136MegabytesAnd2p66Milliseconds) {
  const PhaseCost token = Estimate(OneByte("mobilellm-125m", MiB(1))).decode;
  const int64_t bytes = token.dram_bytes.value() - Beyond(30, 30);
  EXPECT_NEAR(static_cast<double>(bytes), 136.4e6, 0.05e6);
  const double beyond_ms = Milliseconds(Beyond(30, 30));
  EXPECT_NEAR(ToMilliseconds(token.time) - beyond_ms, 2.664, 0.001);
  EXPECT_EQ(token.limited_by, "dram");
}

TEST(FirstPrinciples, LayerSharedWithoutRoomIs254MegabytesAnd4p97Milliseconds) {
  const PhaseCost token = Estimate(OneByte("mobilellm-ls-125m", MiB(1))).decode;
  const int64_t bytes = token.dram_bytes.value() - Beyond(60, 60);
  EXPECT_NEAR(static_cast<double>(bytes), 254.4e6, 0.05e6);
  EXPECT_NEAR(ToMilliseconds(token.time) - Milliseconds(Beyond(60, 60)), 4.97, 0.005);
}

// 148.2 MB and, at that bandwidth, 2.89 ms. But a repeat whose weights are on chip still
// multiplies: 3.54 million MACs at 1 TFLOP/s are 7.08 us, during which DRAM idles unless it fetches
// for the next operator. The model overlaps within an operator only, so 30 repeats add 0.21
// ms; 2.89 ms is the roofline of the pass.
TEST(FirstPrinciples, LayerSharedIn8MebibytesIs148MegabytesAnd2p89MillisecondsPlusItsRepeats) {
  const Problem problem = OneByte("mobilellm-ls-125m", MiB(8));
  const PhaseCost token = Estimate(problem).decode;
  const int64_t bytes = token.dram_bytes.value() - Beyond(30, 60);
  EXPECT_NEAR(static_cast<double>(bytes), 148.2e6, 0.05e6);
  const double dram_ms = Milliseconds(bytes);
  EXPECT_NEAR(dram_ms, 2.89, 0.006);
  const double repeats_ms = 1e3 * 30 * static_cast<double>(kBlockParams) / kRate;
  EXPECT_NEAR(repeats_ms, 0.212, 0.001);
  EXPECT_NEAR(ToMilliseconds(token.time) - Milliseconds(Beyond(30, 60)), dram_ms + repeats_ms,
              0.005);
  // DRAM, not arithmetic, is the roofline of the pass: the repeats' time could be hidden.
  EXPECT_LT(DecodeBound(problem).compute, DecodeBound(problem).memory);
}

}  // namespace
}  // namespace deepthin::costmodel

// Lines that the real decoder reads from DRAM, counted by valgrind's cachegrind in a cache of a
// size of our choice: an oracle that shares no code with decoder or cost model.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "costmodel/estimator.h"
#include "costmodel/soc_presets.h"
#include "spec/errors.h"
#include "spec/model_argument.h"
#include "spec/precision.h"

namespace deepthin {
namespace {

constexpr int64_t kLine = 64;
constexpr int64_t kKiB =
    1024;  // sizes of caches are powers of two here: cachegrind takes no others

// Last-level read misses of data in the whole run.
int64_t LinesRead(const std::string& model, const std::string& precision, int64_t cache_bytes,
                  int64_t tokens) {
  // An access across two lines is one miss at most to cachegrind: with the wide loads of the better
  // sets for q4_0 it sees 7 % of the lines less. SSE4 loads 16 bytes.
  const std::string command =
      std::string(precision == "q4_0" ? "DEEPTHIN_FORCE_TARGET=SSE4 " : "") +
      "valgrind --tool=cachegrind --cachegrind-out-file=/dev/null --D1=32768,8,64 --LL=" +
      std::to_string(cache_bytes) + ",16,64 " DEEPTHIN_DECODE_TOKENS " '" + model + "' " +
      precision + " " + std::to_string(tokens) + " 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  DEEPTHIN_CHECK(pipe != nullptr);
  std::string output;
  std::array<char, 4096> buffer = {};
  while (std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) output += buffer.data();
  // ==1== LLd misses:  14,543  (  13,011 rd   +   1,532 wr)
  const size_t line = output.find("LLd misses:");
  const size_t open = line == std::string::npos ? line : output.find('(', line);
  if (open == std::string::npos) {
    ADD_FAILURE() << output;
    return 0;
  }
  int64_t lines = 0;
  for (size_t i = open + 1; output.compare(i, 2, "rd") != 0; ++i) {
    if (output[i] >= '0' && output[i] <= '9') lines = 10 * lines + (output[i] - '0');
  }
  return lines;
}

// Of one token, start-up and all else that does not grow with the tokens taken out.
double LinesPerToken(const std::string& model, const std::string& precision, int64_t cache_bytes) {
  constexpr int64_t kFew = 2;
  constexpr int64_t kMany = 5;
  return static_cast<double>(LinesRead(model, precision, cache_bytes, kMany) -
                             LinesRead(model, precision, cache_bytes, kFew)) /
         static_cast<double>(kMany - kFew);
}

// Blocks of 3 MiB in f32, a head of 2 MiB.
std::string Model(const std::string& repeat) {
  return "mobilellm-125m:vocab_size=2048,d_model=256,n_heads=8,n_kv_heads=4,head_dim=32,d_ff=768,"
         "n_blocks=3,max_seq_len=64,repeat=" +
         repeat;
}

double Lines(Bytes bytes) {
  return static_cast<double>(bytes.value()) / static_cast<double>(kLine);
}

class Cachegrind : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (std::system("valgrind --version > /dev/null 2>&1") != 0) {
      GTEST_SKIP() << "valgrind is not installed";
    }
  }
  [[nodiscard]] static const std::string& precision() { return GetParam(); }
  // Of the model that Model() names.
  [[nodiscard]] static WeightBytes Weights() {
    return CountWeightBytes(ModelFromArgument(Model("none")), PrecisionFromArgument(precision()));
  }
};

// Nothing fits: every executed block, the tied head and the norms are streamed for each token.
TEST_P(Cachegrind, AllWeightsAreReadWhereNothingFits) {
  const WeightBytes bytes = Weights();
  // Activations, some 2 % of such a small block, find the cache large enough; no block does.
  int64_t cache = 64 * kKiB;
  while (2 * cache < bytes.block.value()) cache *= 2;
  const Bytes once = bytes.blocks + bytes.embedding + bytes.final_norm;
  EXPECT_NEAR(LinesPerToken(Model("none"), precision(), cache) / Lines(once), 1, 0.02);
  EXPECT_NEAR(LinesPerToken(Model("immediate:2"), precision(), cache) / Lines(once + bytes.blocks),
              1, 0.02);
}

// The cache holds one block but not all three: AABB finds a block that it has just executed, ABAB
// does not.
TEST_P(Cachegrind, ImmediateRepeatsAreFreeWhereABlockFits) {
  const WeightBytes bytes = Weights();
  int64_t cache = 64 * kKiB;
  while (cache < bytes.block.value() * 5 / 4) cache *= 2;
  ASSERT_LT(cache, bytes.blocks.value());
  const Bytes once = bytes.blocks + bytes.embedding + bytes.final_norm;
  EXPECT_NEAR(LinesPerToken(Model("immediate:2"), precision(), cache) / Lines(once), 1, 0.03);
  EXPECT_NEAR(LinesPerToken(Model("repeat_all:2"), precision(), cache) / Lines(once + bytes.blocks),
              1, 0.03);
}

// Bytes that the cost model has a decoded token read from DRAM behind one LRU level of this size,
// at the mean context of the tokens that LinesPerToken() takes.
Bytes PredictedRead(const std::string& model, const std::string& precision, int64_t cache_bytes) {
  SocSpec soc = costmodel::SocFromArgument("iphone-13");
  soc.levels[0].capacity.value = Bytes(cache_bytes);
  soc.levels[0].replacement = Replacement::kLru;
  Problem problem{.model = ModelFromArgument(model),
                  .precision = PrecisionFromArgument(precision),
                  .soc = soc,
                  .workload = {.prompt_tokens = 2, .generated_tokens = 3, .batch = 1}};
  problem.precision.kv = Dtype::kF32;  // as decode_tokens keeps it
  const PhaseCost decode = costmodel::Estimate(problem).decode;
  Bytes read(0);
  for (const OperatorCost& op : decode.operators) read += op.traffic[1].read;
  return read;
}

// Three sizes: no block fits; one block does, so that A A B B is free and A B A B is not; all fits.
TEST_P(Cachegrind, CountsWhatTheCostModelPredicts) {
  const WeightBytes bytes = Weights();
  int64_t small = 64 * kKiB;
  while (2 * small < bytes.block.value()) small *= 2;
  int64_t middle = small;
  while (middle < bytes.block.value() * 5 / 4) middle *= 2;
  int64_t large = middle;
  while (large < bytes.total().value() * 5 / 4) large *= 2;
  ASSERT_LT(small, bytes.block.value());
  ASSERT_LT(middle, bytes.blocks.value());
  for (const int64_t cache : {small, middle, large}) {
    for (const char* repeat : {"none", "immediate:2", "repeat_all:2"}) {
      SCOPED_TRACE(std::string(repeat) + " in " + std::to_string(cache / kKiB) + " KiB");
      const std::string model = Model(repeat);
      const double counted = LinesPerToken(model, precision(), cache);
      const double predicted = Lines(PredictedRead(model, precision(), cache));
      // Where all fits there is next to nothing to compare with: then of what would be streamed.
      const double of = cache == large ? Lines(bytes.total()) : predicted;
      EXPECT_NEAR(counted, predicted, 0.03 * of);
      RecordProperty(std::string(repeat) + "_" + std::to_string(cache / kKiB),
                     std::to_string(counted) + " of " + std::to_string(predicted));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, Cachegrind, ::testing::Values("f32", "bf16", "q8_0", "q4_0"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace deepthin

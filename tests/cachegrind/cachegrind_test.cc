// Lines that the real decoder reads from DRAM, counted by valgrind's cachegrind in a cache of a
// size of our choice: an oracle that shares no code with decoder or cost model.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

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

INSTANTIATE_TEST_SUITE_P(Precisions, Cachegrind, ::testing::Values("f32", "bf16", "q8_0", "q4_0"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace deepthin

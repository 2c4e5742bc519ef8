#include "runtime/executed_blocks.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

// "1" for each executed block whose matrices are all marked, "0" where none is.
std::string Cached(const Weights& weights, Bytes cache) {
  std::string text;
  for (const BlockWeights& block : ExecutedBlocks(weights, cache)) {
    text += block.wq.is_cached ? '1' : '0';
    for (const auto matrix : kBlockMatrices) {
      EXPECT_EQ((block.*matrix).is_cached, block.wq.is_cached);
    }
  }
  return text;
}

Weights Three(std::string_view repeat) {
  ModelSpec spec = SmallSpec();
  spec.n_blocks = 3;
  spec.repeat = RepeatScheduleFromText(repeat);
  return SmallWeights(spec, 1);
}

TEST(ExecutedBlocks, FindsARepeatFromItsReuseDistanceOn) {
  const Bytes block = MatrixBytesOf(Three("none").blocks.front());
  const auto sizes = [&](const Weights& weights, int64_t blocks) {
    return Cached(weights, block * blocks - Bytes(1)) + " " + Cached(weights, block * blocks);
  };
  const Weights immediate = Three("immediate:2");
  EXPECT_EQ(sizes(immediate, 1), "000000 010101");
  const Weights all = Three("repeat_all:2");
  EXPECT_EQ(sizes(all, 3), "000000 000111");
  const Weights reverse = Three("reverse:2");
  EXPECT_EQ(sizes(reverse, 1), "000000 000100");
  EXPECT_EQ(sizes(reverse, 3), "000110 000111");
}

TEST(ExecutedBlocks, AllAreFoundWhereAllWeightsFit) {
  const Weights weights = Three("none");
  EXPECT_EQ(Cached(weights, WeightBytesOf(weights) - Bytes(1)), "000");
  EXPECT_EQ(Cached(weights, WeightBytesOf(weights)), "111");
}

TEST(ExecutedBlocks, AreTheStoredOnesInTheOrderOfExecution) {
  const Weights weights = Three("reverse:2");
  const std::vector<BlockWeights> executed = ExecutedBlocks(weights, Bytes(0));
  const std::vector<int64_t> order = ExecutionOrder(weights.spec);
  ASSERT_EQ(executed.size(), order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    EXPECT_EQ(executed[i].wq.data, weights.blocks[static_cast<size_t>(order[i])].wq.data);
    EXPECT_EQ(executed[i].ffn_norm.data(),
              weights.blocks[static_cast<size_t>(order[i])].ffn_norm.data());
  }
}

}  // namespace
}  // namespace deepthin::runtime

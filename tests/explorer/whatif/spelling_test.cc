#include "explorer/whatif/spelling.h"

#include <gtest/gtest.h>

#include <vector>

namespace deepthin::explorer {
namespace {

TEST(SpellingDistance, CountsEdits) {
  EXPECT_EQ(SpellingDistance("", ""), 0u);
  EXPECT_EQ(SpellingDistance("", "abc"), 3u);
  EXPECT_EQ(SpellingDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(SpellingDistance("capacity", "capcaity"), 1u) << "a swap is one";
  EXPECT_EQ(SpellingDistance("sram", "dram"), SpellingDistance("dram", "sram"));
}

TEST(NearNames, OffersTheNearestOrAll) {
  const std::vector<std::string> names = {"sram.capacity", "dram.capacity", "context", "kv"};
  EXPECT_EQ(NearNames("contxt", names), "context");
  EXPECT_EQ(NearNames("capacity", names), "sram.capacity or dram.capacity");
  EXPECT_EQ(NearNames("qqqqqqq", names), "sram.capacity, dram.capacity, context or kv");
  EXPECT_EQ(NearNames(std::string(5'000, 'x'), names), NearNames("qqqqqqq", names));
}

}  // namespace
}  // namespace deepthin::explorer

#include "explorer/cli/table.h"

#include <gtest/gtest.h>

namespace deepthin::explorer {
namespace {

TEST(Table, AlignsByCodePointsAndLeavesNoTrailingBlanks) {
  Table table({{"name", Align::kLeft}, {"value"}, {"note", Align::kLeft}});
  table.Row({"×2", "1.5", ""});
  table.Row({"longer", "10.25", "x"});
  EXPECT_EQ(table.ToString(),
            "name    value  note\n"
            "------  -----  ----\n"
            "×2        1.5\n"
            "longer  10.25  x\n");
}

}  // namespace
}  // namespace deepthin::explorer

#include "explorer/pareto.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace deepthin::explorer {
namespace {

using Rows = std::vector<std::vector<double>>;

TEST(ParetoFront, KeepsWhatNothingBeats) {
  EXPECT_EQ(ParetoFront(Rows{{1, 3}, {2, 2}, {3, 1}, {3, 3}}), (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(ParetoFront(Rows{{2, 2}, {1, 2}}), std::vector<size_t>{1});
  EXPECT_TRUE(ParetoFront(Rows{}).empty());
}

TEST(ParetoFront, EqualRowsAllStay) {
  EXPECT_EQ(ParetoFront(Rows{{1, 1}, {1, 1}}), (std::vector<size_t>{0, 1}));
}

// The definition itself, without the short cut of comparing with the front only.
TEST(ParetoFront, IsWhatTheDefinitionSays) {
  EXPECT_TRUE(rc::check([] {
    const auto n = *rc::gen::inRange<size_t>(0, 30);
    const auto rows = *rc::gen::container<Rows>(
        n, rc::gen::container<std::vector<double>>(
               3, rc::gen::map(rc::gen::inRange(0, 6), [](int x) { return double(x); })));
    std::vector<size_t> expected;
    for (size_t i = 0; i < n; ++i) {
      bool dominated = false;
      for (size_t j = 0; j < n; ++j) {
        bool no_worse = true;
        bool better = false;
        for (size_t k = 0; k < 3; ++k) {
          no_worse = no_worse && rows[j][k] <= rows[i][k];
          better = better || rows[j][k] < rows[i][k];
        }
        dominated = dominated || (no_worse && better);
      }
      if (!dominated) expected.push_back(i);
    }
    RC_ASSERT(ParetoFront(rows) == expected);
  }));
}

}  // namespace
}  // namespace deepthin::explorer

#include "costmodel/tiling.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

// 100 rows of 10 bytes in and 10 out.
TilingProblem HundredRows(int64_t weights) {
  return {.rows = 100,
          .stationary = Bytes(weights),
          .activations_in = Bytes(1'000),
          .activations_out = Bytes(1'000)};
}

TEST(ChooseTiling, WeightsThatFitBesideOneRowStay) {
  EXPECT_EQ(ChooseTiling(HundredRows(480), Bytes(500)), (Tiling{1, 1}));
  // One byte less: two weight tiles re-read 1,000 bytes of rows; row tiles of 24 would re-read the
  // weights four times (1,920 bytes).
  EXPECT_EQ(ChooseTiling(HundredRows(480), Bytes(499)), (Tiling{1, 2}));
}

TEST(ChooseTiling, RowsStayWhereThatMovesLess) {
  // 1,000 bytes hold 50 rows (the weights twice) or weight tiles of 980 (the rows once per tile).
  // 5,000: 5,000 more bytes either way, a tie. 5,900: 5,900 more against 6 x 1,000.
  EXPECT_EQ(ChooseTiling(HundredRows(5'000), Bytes(1'000)), (Tiling{1, 6}));
  EXPECT_EQ(ChooseTiling(HundredRows(5'900), Bytes(1'000)), (Tiling{2, 1}));
}

TEST(ChooseTiling, WithoutMemoryATileIsOneRow) {
  EXPECT_EQ(ChooseTiling(HundredRows(480), Bytes(0)), (Tiling{100, 1}));
  EXPECT_EQ(ChooseTiling(HundredRows(0), Bytes(0)), (Tiling{100, 1}));
  const TilingProblem nothing{
      .rows = 3, .stationary = {}, .activations_in = {}, .activations_out = {}};
  EXPECT_EQ(ChooseTiling(nothing, Bytes(0)), (Tiling{1, 1}));
}

Bytes Moved(const TilingProblem& p, const Tiling& t) {
  return p.stationary * t.stationary_passes + p.activations_in * t.activation_passes +
         p.activations_out;
}

RC_GTEST_PROP(ChooseTiling, MoreMemoryNeverMovesMoreAndNothingIsSkipped, ()) {
  const TilingProblem p{.rows = Pick(1, 200),
                        .stationary = Bytes(Pick(0, 5'000)),
                        .activations_in = Bytes(Pick(0, 5'000)),
                        .activations_out = Bytes(Pick(0, 5'000))};
  const int64_t capacity = Pick(0, 8'000);
  const Tiling tiling = ChooseTiling(p, Bytes(capacity));
  RC_ASSERT(tiling.stationary_passes >= 1 && tiling.activation_passes >= 1);
  RC_ASSERT(Moved(p, ChooseTiling(p, Bytes(capacity + Pick(0, 500)))) <= Moved(p, tiling));
}

}  // namespace
}  // namespace deepthin::costmodel

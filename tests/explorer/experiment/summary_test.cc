#include "explorer/experiment/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/explorer/experiment/tiny_experiment.h"

namespace deepthin::explorer {
namespace {

using ::testing::SizeIs;

ExperimentCell CellWith(const std::string& label, std::map<int64_t, double> losses) {
  ExperimentCell cell;
  cell.label = label;
  cell.losses = std::move(losses);
  return cell;
}

TEST(StudentT, IsTheTable) {
  EXPECT_NEAR(StudentT95(1), std::tan(0.45 * std::acos(-1)), 5e-4);  // Cauchy's quantile
  EXPECT_DOUBLE_EQ(StudentT95(18), 1.734);
  EXPECT_NEAR(StudentT95(31), 1.6955, 5e-4);
  EXPECT_NEAR(StudentT95(60), 1.6706, 1e-4);
  EXPECT_NEAR(StudentT95(120), 1.6577, 1e-4);
  for (int64_t n = 2; n < 200; ++n) EXPECT_LT(StudentT95(n), StudentT95(n - 1)) << n;
}

TEST(Summary, PoolsTheSeedsAroundEachModelsOwnMean) {
  // Squares around the means: 2 x 1 and 2 x 4 + 0; degrees 1 + 2.
  const std::vector<ExperimentCell> cells = {CellWith("a", {{1, 9}, {2, 11}}),
                                             CellWith("b", {{1, 98}, {2, 100}, {3, 102}}),
                                             CellWith("c", {{1, 5}}), CellWith("d", {})};
  const auto seeds = SeedDeviation(cells);
  ASSERT_TRUE(seeds);
  EXPECT_EQ(seeds->degrees, 3);
  EXPECT_DOUBLE_EQ(seeds->value, std::sqrt(10.0 / 3));
  EXPECT_DOUBLE_EQ(seeds->HalfInterval(4), 2.353 * std::sqrt(10.0 / 3) / 2);
  EXPECT_FALSE(SeedDeviation(std::vector<ExperimentCell>{cells[2], cells[3]}));
}

TEST(Summary, TakesTheSeedsOutOfTheSpreadOfShapes) {
  // Means 10, 12, 14: variance 4. Each seed's own part is 1 to either side, for all alike, and the
  // residuals are those of (1, -1), (-1, 1), (0, 0): squares 4, 2 degrees, 1 in a mean of two.
  const std::vector<ExperimentCell> cells = {CellWith("a", {{1, 10}, {2, 10}}),
                                             CellWith("b", {{1, 10}, {2, 14}}),
                                             CellWith("c", {{1, 13}, {2, 15}}), CellWith("d", {})};
  const auto spread = SpreadOf(cells);
  ASSERT_TRUE(spread);
  EXPECT_DOUBLE_EQ(spread->of_means, 2);
  EXPECT_DOUBLE_EQ(ResidualDeviation(cells)->value, std::sqrt(2.0));
  EXPECT_EQ(ResidualDeviation(cells)->degrees, 2);
  EXPECT_DOUBLE_EQ(*spread->beyond_seeds, std::sqrt(3.0));
  EXPECT_FALSE(SpreadOf(std::vector<ExperimentCell>(cells.begin(), cells.begin() + 2)));
  // Nothing but noise.
  const std::vector<ExperimentCell> noise = {CellWith("a", {{1, 0}, {2, 20}}),
                                             CellWith("b", {{1, 1}, {2, 20}}),
                                             CellWith("c", {{1, 0}, {2, 21}})};
  EXPECT_EQ(*SpreadOf(noise)->beyond_seeds, 0);
}

TEST(Summary, ContrastsArePairedBySeed) {
  // Seeds differ by 10, the models by 1 in each: paired, there is no error at all.
  const std::vector<ExperimentCell> cells = {
      CellWith("a", {{1, 0}, {2, 10}, {3, 20}}), CellWith("b", {{1, 1}, {2, 11}, {3, 21}}),
      CellWith("c", {{2, 13}, {4, 99}}), CellWith("d", {{5, 1}})};
  const auto contrasts = ContrastsTo(cells[0], cells);
  ASSERT_THAT(contrasts, SizeIs(4));
  EXPECT_FALSE(contrasts[0]);
  ASSERT_TRUE(contrasts[1]);
  EXPECT_EQ(contrasts[1]->pairs, 3);
  EXPECT_DOUBLE_EQ(contrasts[1]->difference, 1);
  EXPECT_NEAR(*contrasts[1]->half_interval, 0, 1e-12);
  ASSERT_TRUE(contrasts[2]);
  EXPECT_EQ(contrasts[2]->pairs, 1);
  EXPECT_DOUBLE_EQ(contrasts[2]->difference, 3);
  EXPECT_FALSE(contrasts[3]) << "no seed in common";
}

TEST(OverCommonSeeds, LeavesOutWhatOneOfThemLacks) {
  const std::vector<ExperimentCell> cells = {CellWith("a", {{1, 10}, {2, 30}, {3, 70}}),
                                             CellWith("b", {{1, 11}, {3, 71}}), CellWith("c", {}),
                                             CellWith("d", {{1, 12}, {2, 32}, {3, 72}})};
  const auto common = OverCommonSeeds(cells);
  ASSERT_THAT(common, SizeIs(4));
  EXPECT_DOUBLE_EQ(common[0].mean(), 40);
  EXPECT_DOUBLE_EQ(common[1].mean(), 41) << "b's own mean is above a's because of the seeds alone";
  EXPECT_FALSE(common[2].has_runs());
  EXPECT_DOUBLE_EQ(common[3].mean(), 42);
  // Nothing in common: as they are.
  const std::vector<ExperimentCell> apart = {CellWith("a", {{1, 10}}), CellWith("b", {{2, 11}})};
  EXPECT_DOUBLE_EQ(OverCommonSeeds(apart)[1].mean(), 11);
}

TEST(CellsOf, HoldTheRunsOfAModelBySeed) {
  const ExperimentResults results =
      ResultsWith(TinyExperiment(), [](const ExperimentSweep& sweep, const results::Point& point) {
        if (point.label == "62x384" && sweep.learning_rate > 0.005) return std::nan("");
        return static_cast<double>(point.index) + 0.25 * static_cast<double>(sweep.seed) +
               100 * sweep.learning_rate;
      });
  const std::vector<ExperimentCell> cells = CellsOf(results);
  ASSERT_THAT(cells, SizeIs(2 * 3 + 9 + 3));
  EXPECT_EQ(cells[5].label, "62x384");
  EXPECT_EQ(cells[5].learning_rate, 0.008);
  EXPECT_EQ(cells[5].diverged, 1);
  EXPECT_FALSE(cells[5].has_runs());
  const auto depth = CellsOfGroup(cells, 1);
  ASSERT_THAT(depth, SizeIs(9));
  EXPECT_EQ(depth[3].label, "12x768");
  EXPECT_EQ(depth[3].model.n_blocks, 12);
  EXPECT_EQ(depth[3].planned, 3);
  ASSERT_THAT(depth[3].losses, SizeIs(3));
  EXPECT_DOUBLE_EQ(depth[3].losses.at(1), 3.65);
  EXPECT_DOUBLE_EQ(depth[3].losses.at(3), 4.15);
  EXPECT_DOUBLE_EQ(depth[3].mean(), 3.9);
  EXPECT_EQ(CellsOfGroup(cells, 2).front().planned, 1);
}

}  // namespace
}  // namespace deepthin::explorer

// The load and init columns of Table 7: what holds within 10 %, and what cannot.
#include "explorer/calibrate/table7_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "costmodel/soc_presets.h"
#include "spec/model_presets.h"
#include "spec/precision.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::calibrate {
namespace {

std::vector<Table7Time> Rows(double first, double second, double third) {
  ModelSpec distinct = *ModelPresetByName("mobilellm-125m");
  distinct.n_blocks = 60;
  return {{"30", *ModelPresetByName("mobilellm-125m"), first},
          {"2x30", *ModelPresetByName("mobilellm-ls-125m"), second},
          {"60", distinct, third}};
}

double Worst(const Table7ColumnFit& fit) {
  double worst = 0;
  for (const Table7ColumnRow& row : fit.rows) worst = std::max(worst, std::abs(row.error_percent));
  return worst;
}

TEST(Table7Columns, LoadHoldsWithinTenPercent) {
  const Table7ColumnFit fit = FitTable7Column(Rows(39.2, 43.6, 68.6), Table7Column::kLoad);
  EXPECT_LT(Worst(fit), 10);
  EXPECT_GT(fit.per_stored, 0);
  EXPECT_GT(fit.per_executed_block, 0);
  EXPECT_DOUBLE_EQ(fit.least_error_percent, 0);
}

// Twice the blocks take 2.46 times as long to prepare: no sum of costs gives more than twice.
TEST(Table7Columns, InitCannotHoldWithinTenPercent) {
  const Table7ColumnFit fit = FitTable7Column(Rows(1361.7, 1388.2, 3347.7), Table7Column::kInit);
  const double times = 3347.7 / 1361.7;
  EXPECT_NEAR(fit.least_error_percent, 100 * (times - 2) / (times + 2), 1e-9);
  EXPECT_GT(fit.least_error_percent, 10);
  EXPECT_GE(Worst(fit), fit.least_error_percent);
  EXPECT_LT(Worst(fit), 15);
}

TEST(Table7Columns, PresetCarriesTheFitOfInit) {
  const Table7ColumnFit fit = FitTable7Column(Rows(1361.7, 1388.2, 3347.7), Table7Column::kInit);
  const SocSpec iphone = costmodel::SocFromArgument("iphone-13");
  EXPECT_NEAR(iphone.init_per_stored_block->value.value(), fit.per_stored, 1e-4);
  EXPECT_EQ(fit.per_executed_block, 0);
}

TEST(Table7Columns, RecoversTheCostsThatMadeThem) {
  const auto rows = Rows(30 * 7 + 30 * 2, 30 * 7 + 60 * 2, 60 * 7 + 60 * 2);
  const Table7ColumnFit fit = FitTable7Column(rows, Table7Column::kInit);
  EXPECT_NEAR(fit.per_stored, 7e-3, 1e-9);
  EXPECT_NEAR(fit.per_executed_block, 2e-3, 1e-9);
  // Costs of repeats that come out negative are left out.
  const auto faster = Rows(30 * 7, 30 * 7 - 30, 60 * 7);
  EXPECT_EQ(FitTable7Column(faster, Table7Column::kInit).per_executed_block, 0);
}

TEST(Table7Columns, RefusesTimesThatAreNone) {
  EXPECT_THAT(InputErrorOf([] { return FitTable7Column(Rows(0, 1, 1), Table7Column::kLoad); }),
              testing::HasSubstr("a positive time"));
  EXPECT_THAT(InputErrorOf([] { return FitTable7Column({}, Table7Column::kLoad); }),
              testing::HasSubstr("3 or more"));
}

}  // namespace
}  // namespace deepthin::calibrate

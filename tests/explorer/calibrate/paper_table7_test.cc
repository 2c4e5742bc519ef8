#include "explorer/calibrate/paper_table7.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "costmodel/estimator.h"
#include "costmodel/soc_presets.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "spec/json_io.h"
#include "spec/model_presets.h"

namespace deepthin::calibrate {
namespace {

// The execute column as it stands in the paper's CSV: the last field of each row.
std::vector<double> ExecuteColumn() {
  std::istringstream csv(
      ReadFile(std::string(DEEPTHIN_SOURCE_DIR) + "/results/paper/table07_latency_iphone13.csv"));
  std::vector<double> column;
  std::string line;
  std::getline(csv, line);
  EXPECT_TRUE(line.ends_with("execute_ms"));
  while (std::getline(csv, line)) column.push_back(std::stod(line.substr(line.rfind(',') + 1)));
  return column;
}

std::vector<Table7Row> Rows() {
  const std::vector<double> ms = ExecuteColumn();
  EXPECT_EQ(ms, (std::vector<double>{15.6, 16.0, 29.0}));
  ModelSpec distinct = *ModelPresetByName("mobilellm-125m");
  distinct.n_blocks = 60;
  return {{"30 layers", *ModelPresetByName("mobilellm-125m"), ms[0]},
          {"2x30 layers", *ModelPresetByName("mobilellm-ls-125m"), ms[1]},
          {"60 layers", distinct, ms[2]}};
}

SocSpec Iphone13() { return costmodel::SocFromArgument("iphone-13"); }

const Table7Fit& Linear() {
  static const Table7Fit fit = FitTable7Linear(Rows(), Iphone13());
  return fit;
}
const Table7Fit& Full() {
  static const Table7Fit fit = FitTable7Full(Rows(), Iphone13());
  return fit;
}

TEST(Table7, LinearFormFitsEveryRowWithinHalfAPercent) {
  const Table7Fit& fit = Linear();
  for (const Table7RowFit& row : fit.rows) {
    SCOPED_TRACE(row.label);
    EXPECT_LT(std::abs(row.residual_percent.value), 0.5);
  }
  EXPECT_NEAR(fit.dram_bandwidth_bytes_per_s.value, 16.4e9, 0.1e9);
  EXPECT_NEAR(fit.per_executed_block_s.value, 13e-6, 0.5e-6);
}

TEST(Table7, LinearFormPredictsTheRowLeftOut) {
  const Table7Fit& fit = Linear();
  EXPECT_NEAR(fit.rows[0].held_out_error_percent.value, 0.2, 0.05);
  EXPECT_NEAR(fit.rows[1].held_out_error_percent.value, 2.1, 0.15);
  EXPECT_NEAR(fit.rows[2].held_out_error_percent.value, -0.2, 0.05);
  // The printed tenths allow each of these errors to be zero.
  for (const Table7RowFit& row : fit.rows) {
    SCOPED_TRACE(row.label);
    EXPECT_LT(row.held_out_error_percent.low, 0);
    EXPECT_GT(row.held_out_error_percent.high, 0);
  }
}

// Bytes by hand: a repeat that hits on chip is not counted twice.
TEST(Table7, BytesAreThoseOfDistinctWeights) {
  const int64_t block = 2 * (576 * 960 + 576 * 576 + 3 * 576 * 1'536) + 2 * 576 * 4;
  const int64_t outside = 2 * 32'000 * 576 + 576 * 4 + 2 * 576;  // head, final norm, the row
  const int64_t kv = 2 * 2 * 192 * 2;                            // one token read, one written
  const Table7Fit& fit = Linear();
  EXPECT_EQ(fit.rows[0].dram_bytes, 30 * (block + kv) + outside);
  EXPECT_EQ(fit.rows[1].dram_bytes, 30 * block + 60 * kv + outside);
  EXPECT_EQ(fit.rows[2].dram_bytes, 60 * (block + kv) + outside);
  EXPECT_EQ(fit.rows[1].executed_blocks, 60);
}

// Two rows, two coefficients: solved by hand (Cramer) without Eigen.
TEST(Table7, HeldOutRowIsTheExactSolutionOfTheOtherTwo) {
  const Table7Fit& fit = Linear();
  const auto b = [&](size_t i) { return static_cast<double>(fit.rows[i].dram_bytes); };
  const auto n = [&](size_t i) { return static_cast<double>(fit.rows[i].executed_blocks); };
  const auto t = [&](size_t i) { return fit.rows[i].execute_ms; };
  const double det = b(0) * n(2) - b(2) * n(0);
  const double per_byte = (t(0) * n(2) - t(2) * n(0)) / det;
  const double per_block = (b(0) * t(2) - b(2) * t(0)) / det;
  EXPECT_NEAR(fit.rows[1].held_out_ms, b(1) * per_byte + n(1) * per_block, 1e-9);
}

TEST(Table7, FullModelFitsEveryRowWithinHalfAPercent) {
  const Table7Fit& fit = Full();
  for (const Table7RowFit& row : fit.rows) {
    SCOPED_TRACE(row.label);
    EXPECT_LT(std::abs(row.residual_percent.value), 0.5);
    EXPECT_LT(row.held_out_error_percent.low, 0);
    EXPECT_GT(row.held_out_error_percent.high, 0);
  }
}

// Preset and fit must not drift apart: edit the one, refit the other.
TEST(Table7, PresetCarriesTheFullFit) {
  const Table7Fit& fit = Full();
  const SocSpec soc = Iphone13();
  EXPECT_NEAR(soc.levels[1].read_bandwidth.value.value(), fit.dram_bandwidth_bytes_per_s.value,
              1e-3 * fit.dram_bandwidth_bytes_per_s.value);
  EXPECT_NEAR(soc.fixed.per_executed_block.value.value(), fit.per_executed_block_s.value, 0.05e-6);
  const std::vector<Table7Row> rows = Rows();
  for (size_t i = 0; i < rows.size(); ++i) {
    Problem problem{
        .model = rows[i].model, .precision = *PrecisionByName("f16"), .soc = soc, .workload = {}};
    problem.workload.prompt_tokens = problem.workload.generated_tokens = 1;
    EXPECT_NEAR(ToMilliseconds(costmodel::Estimate(problem).decode.time), fit.rows[i].fitted_ms,
                0.01);
  }
}

// 30 further executions of a 7.08 MB block cost 0.4 ms: at the 100 GB/s of Figure 2 they could not.
TEST(Table7, OnChipRateOfFigure2CannotExplainTheLayerSharedRow) {
  SocSpec slow = Iphone13();
  slow.levels[0].read_bandwidth.value = GBps(100);
  const Table7Fit fit = FitTable7Full(Rows(), slow);
  EXPECT_LT(fit.per_executed_block_s.high, 0) << "no overhead of at least zero fits the rows";
}

TEST(Table7, IntervalsHoldTheirValues) {
  for (const Table7Fit& fit : {Linear(), Full()}) {
    SCOPED_TRACE(fit.form);
    const auto holds = [](const Range& r) { return r.low < r.value && r.value < r.high; };
    EXPECT_TRUE(holds(fit.dram_bandwidth_bytes_per_s));
    EXPECT_TRUE(holds(fit.per_executed_block_s));
    for (const Table7RowFit& row : fit.rows) {
      EXPECT_TRUE(holds(row.residual_percent));
      EXPECT_TRUE(holds(row.held_out_error_percent));
    }
    EXPECT_EQ(FromJson<Table7Fit>(ToJson(fit), {}), fit);
  }
}

TEST(Table7, RefusesRowsThatCannotBeFitted) {
  const auto error = [](std::vector<Table7Row> rows) -> std::string {
    try {
      (void)FitTable7Full(rows, Iphone13());
    } catch (const InputError& e) {
      return e.what();
    }
    return "no error";
  };
  std::vector<Table7Row> rows = Rows();
  rows.pop_back();
  EXPECT_THAT(error(rows), ::testing::HasSubstr("2 rows"));
  rows = Rows();
  rows[1].execute_ms = 0;
  EXPECT_THAT(error(rows), ::testing::HasSubstr("row '2x30 layers'"));
  rows = Rows();
  rows[1].model = rows[0].model;
  EXPECT_THAT(error(rows), ::testing::HasSubstr("too alike"));
  rows = Rows();
  rows[2].execute_ms = 1;  // 60 distinct layers faster than 30
  EXPECT_THAT(error(rows), ::testing::HasSubstr("no positive DRAM bandwidth"));
}

}  // namespace
}  // namespace deepthin::calibrate

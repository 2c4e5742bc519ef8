#include "explorer/accuracy/decoder_params.h"

#include <gtest/gtest.h>

#include <cmath>

#include "results/paper_tables.h"

namespace deepthin::explorer {
namespace {

// Kendall's tau-b, from its definition.
double KendallTauB(const std::vector<double>& x, const std::vector<double>& y) {
  double balance = 0;
  double untied_x = 0;
  double untied_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const double dx = x[i] - x[j];
      const double dy = y[i] - y[j];
      balance += (dx * dy > 0) - (dx * dy < 0);
      untied_x += dx != 0;
      untied_y += dy != 0;
    }
  }
  return balance / std::sqrt(untied_x * untied_y);
}

// The figures that the header, the help of `choose` and the docs state.
TEST(DecoderParams, HasTheStatedRankCorrelationOnTable11) {
  const auto& table = results::PaperTableByName("table-11");
  const size_t average = table.columns.size() - 1;
  for (const auto& [size, tau] : {std::pair{"125M", 0.74}, std::pair{"350M", 0.64}}) {
    std::vector<double> scores;
    for (const auto& row : results::PaperArchitectures()) {
      if (row.table == "table-11" && row.row.starts_with(size))
        scores.push_back(DecoderParams(row.spec).value);
    }
    std::vector<double> averages;
    for (const auto& row : table.rows) {
      if (row[0] == size) averages.push_back(std::stod(row[average]));
    }
    ASSERT_EQ(scores.size(), averages.size());
    EXPECT_NEAR(KendallTauB(scores, averages), tau, 0.005) << size;
  }
}

TEST(DecoderParams, CountsStoredBlocksOnce) {
  for (const auto& row : results::PaperArchitectures()) {
    ModelSpec repeated = row.spec;
    repeated.repeat = RepeatScheduleFromText("immediate:3");
    EXPECT_EQ(DecoderParams(repeated).value, DecoderParams(row.spec).value);
  }
}

}  // namespace
}  // namespace deepthin::explorer

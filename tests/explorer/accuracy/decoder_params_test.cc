#include "explorer/accuracy/decoder_params.h"

#include <gtest/gtest.h>

#include "results/paper_tables.h"
#include "spec/rank_stats.h"

namespace deepthin::explorer {
namespace {

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
    EXPECT_NEAR(KendallTau(scores, averages), tau, 0.005) << size;
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

#include "explorer/cli/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace deepthin::explorer {
namespace {

std::vector<std::string> LinesOf(const Plot& plot) {
  std::istringstream in(plot.ToString());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(Plot, DrawsEachValueInItsRow) {
  const Plot plot = {.title = "t",
                     .curves = {{.mark = 'A', .y = {0, 1, 2, 3}}, {.mark = 'B', .y = {3, 1, 1, 0}}},
                     .x_labels = {"0", "3"},
                     .rows = 4};
  EXPECT_THAT(LinesOf(plot),
              testing::ElementsAre("t", "       3 |B  A", "         | |A", "         | =B",
                                   "       0 |A  B", "         +----", "          0  3"));
}

TEST(Plot, FlatCurvesAreALine) {
  const Plot plot = {.title = "t",
                     .curves = {{.mark = 'A', .y = {5, 5, 5, 5, 5, 5}}},
                     .x_labels = {"a", "b"},
                     .rows = 5};
  const std::string text = plot.ToString();
  EXPECT_THAT(text, testing::HasSubstr("AAAAAA"));
}

TEST(Plot, LabelsNeverOverlap) {
  const Plot plot = {.title = "t",
                     .curves = {{.mark = 'A', .y = std::vector<double>(20, 1)}},
                     .x_labels = {"128 MiB", "256 MiB", "512 MiB", "1024 MiB"},
                     .rows = 3};
  const std::string last = LinesOf(plot).back();
  EXPECT_THAT(last, testing::StartsWith("          128 MiB"));
  EXPECT_THAT(last, testing::EndsWith("1024 MiB"));
  EXPECT_EQ(last.size(), 10u + 20);
}

}  // namespace
}  // namespace deepthin::explorer

// What the head of the proxies' page concludes from made-up boards.
#include "explorer/cli/trust_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "explorer/cli/figure_text.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PooledPairs Pairs(int64_t pairs, double right, double baseline, double low, double high) {
  PooledPairs out{.pairs = pairs, .accuracy = {}, .baseline = {}, .gain = {}};
  out.accuracy = {right, Interval{right - 0.1, right + 0.1}};
  out.baseline = {baseline, Interval{baseline - 0.1, baseline + 0.1}};
  out.gain = {right - baseline, Interval{low, high}};
  return out;
}

PooledLine Line(const std::string& proxy, const PooledPairs& decoder, const PooledPairs& total) {
  return {.kind = "tables",
          .target = "luck",
          .proxy = proxy,
          .sets = 2,
          .decoder = decoder,
          .total = total};
}

Scoreboard Board(const PooledPairs& of_other) {
  Scoreboard board;
  board.pooled = {Line("decoder_params", Pairs(40, 0.6, 0.6, 0, 0), Pairs(50, 0.7, 0.7, 0, 0)),
                  Line("other", of_other, Pairs(50, 0.65, 0.7, -0.2, 0.1))};
  return board;
}

TEST(TrustSection, NamesWhatIsSurelyBetterAndNothingElse) {
  const std::string text = TrustSection(Board(Pairs(40, 0.8, 0.6, 0.05, 0.3)));
  EXPECT_THAT(text, HasSubstr("`decoder_params` orders 60 % (50 .. 70) of the 40 pairs of one "
                              "decoder budget and 70 % (60 .. 80) of the 50 pairs of one total "
                              "budget rightly. Surely better: `other` (decoder budget: 80 against "
                              "60 % of 40). Surely worse: none."));
  EXPECT_THAT(text, HasSubstr("These are 2 comparisons"));
}

TEST(TrustSection, WhatTheIntervalLeavesOpenIsNoReasonToTrust) {
  EXPECT_THAT(TrustSection(Board(Pairs(40, 0.8, 0.6, 0.0, 0.4))),
              HasSubstr("Surely better: none. Surely worse: none."));
}

TEST(TrustSection, WhatIsSurelyWorseIsNamed) {
  EXPECT_THAT(TrustSection(Board(Pairs(40, 0.3, 0.6, -0.5, -0.1))),
              HasSubstr("Surely better: none. Surely worse: `other` (decoder budget: 30 against"));
}

TEST(TrustSection, SaysWhatAPerfectProxyWouldDo) {
  Scoreboard board = Board(Pairs(40, 0.8, 0.6, 0.0, 0.4));
  board.pooled[0].decoder_ceiling = 0.71;
  EXPECT_THAT(TrustSection(board),
              HasSubstr("of the 40 pairs of one decoder budget (a perfect proxy: 71 %) and"));
}

TEST(TrustSection, HasTheFirstTargetOfEachKindAndTheTablesAll) {
  Scoreboard board = Board(Pairs(40, 0.8, 0.6, 0.05, 0.3));
  PooledLine second = board.pooled[0];
  second.target = "hope";
  board.pooled.push_back(second);
  EXPECT_THAT(TrustSection(board), Not(HasSubstr("hope")));
  EXPECT_THAT(PooledTable(board, "hope"),
              HasSubstr("| tables, by hope | decoder_params | 2 | 40 |"));
  EXPECT_EQ(PooledTable(board, "luck"), "");  // is shown at the head
  EXPECT_EQ(PooledTable(board, "despair"), "");
}

TEST(TrustSection, SaysWhereTheCountIsUpsideDown) {
  Scoreboard board = Board(Pairs(40, 0.8, 0.6, 0.05, 0.3));
  EXPECT_THAT(TrustSection(board), Not(HasSubstr("The other way round")));
  board.pooled[0].total.accuracy = {0.2, Interval{0.1, 0.5}};
  EXPECT_THAT(TrustSection(board), Not(HasSubstr("The other way round")));
  board.pooled[0].total.accuracy = {0.2, Interval{0.1, 0.49}};
  EXPECT_THAT(TrustSection(board),
              HasSubstr(" rightly. The other way round, with less being better, "
                        "it would be 40 and 80 %. Surely better: "));
}

// Better than the count, better than a coin, and nowhere surely worse: else it is no guide.
TEST(TrustSection, SaysWhatToTrust) {
  const PooledPairs better = Pairs(40, 0.8, 0.6, 0.05, 0.3);
  EXPECT_THAT(TrustSection(Board(better)), HasSubstr("by luck.** Trust `other`."));
  EXPECT_THAT(TrustSection(Board(Pairs(40, 0.8, 0.6, 0, 0.3))),
              HasSubstr("Trust `decoder_params`: nothing surely beats it."));
  Scoreboard coin = Board(Pairs(40, 0.55, 0.3, 0.05, 0.3));  // (45 .. 65) is no better than a coin
  coin.pooled[0].decoder.accuracy = {0.3, Interval{0.1, 0.4}};
  coin.pooled[0].total.accuracy = {0.5, Interval{0.4, 0.6}};
  coin.pooled[1].total.accuracy = {0.5, Interval{0.4, 0.6}};
  EXPECT_THAT(TrustSection(coin), HasSubstr("Trust none: `decoder_params` does not surely beat"));

  Scoreboard two = Board(better);
  for (PooledLine line : Board(Pairs(40, 0.3, 0.6, -0.5, -0.1)).pooled) {
    line.kind = "twins";
    two.pooled.push_back(line);
  }
  const std::string text = TrustSection(two);
  EXPECT_THAT(text,
              HasSubstr("`other` is surely better here and surely worse on twins: no guide."));
  EXPECT_THAT(text, Not(HasSubstr("Trust `other`")));

  two.pooled[1].predicted = 20;  // fitted to this kind, so that twins say nothing against it
  EXPECT_THAT(TrustSection(two),
              HasSubstr("by luck.** Trust `other`. `other` is fitted to each kind of models anew, "
                        "and surely worse on twins: a guide where models of the same kind"));
  two.pooled[1].total = Pairs(50, 0.5, 0.7, -0.3, -0.1);  // surely worse here, too
  EXPECT_THAT(TrustSection(two), Not(HasSubstr("Trust `other`")));
}

// Over the targets of a kind together; 20 of 20 are no rare luck (12 of 100), nor are 16 (13 of
// 100).
TEST(TrustSection, IntervalsAreJudged) {
  struct Case {
    int64_t predicted, covered;
    const char* says;
  };
  for (const Case& c :
       {Case{20, 15, "15 of 20 (75 %): too narrow"},
        Case{20, 16, "16 of 20 (80 %): about what they promise"},
        Case{20, 20, "20 of 20 (100 %): about what they promise"},
        Case{28, 28, "28 of 28 (100 %): about what they promise"},
        Case{29, 29, "29 of 29 (100 %): too wide"}, Case{5, 0, "0 of 5 (0 %): too narrow"}}) {
    Scoreboard board = Board(Pairs(40, 0.8, 0.6, 0.05, 0.3));
    board.pooled[1].predicted = 5;
    board.pooled[1].covered = std::min<int64_t>(5, c.covered);
    board.pooled.push_back(board.pooled[1]);
    board.pooled.back().target = "hope";
    board.pooled.back().predicted = c.predicted - 5;
    board.pooled.back().covered = c.covered - board.pooled[1].covered;
    EXPECT_THAT(TrustSection(board), HasSubstr(std::string("of `other` on tables ") + c.says));
  }
}

TEST(FigureText, HasItsIntervalInItsUnits) {
  const Figure figure{0.125, Interval{-0.25, 0.5}};
  EXPECT_EQ(FigureText(figure), "0.12 (-0.25 .. 0.50)");
  EXPECT_EQ(GainText(figure), "+0.12 (-0.25 .. +0.50)");
  EXPECT_EQ(PercentText(figure), "12 % (-25 .. 50)");
  EXPECT_EQ(PointsText(figure), "+12 (-25 .. +50)");
  EXPECT_EQ(PercentText({}), "-");
}

}  // namespace
}  // namespace deepthin::explorer

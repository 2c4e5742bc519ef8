// The page of the scoreboard: what it says of made-up boards, and that docs/proxies.md is it.
#include "explorer/cli/proxies_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "explorer/experiment/twin_sets.h"
#include "spec/files.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Figure Sure(double value, double low, double high) { return {value, Interval{low, high}}; }

BoardLine Line(const std::string& proxy, const Figure& tau, const Figure& gain) {
  Ranking ranking;
  ranking.tau = tau;
  ranking.tau_gain = gain;
  ranking.iso_total = Sure(0.5, 0.25, 0.75);
  return {.proxy = proxy, .scored = 9, .ranking = ranking};
}

Scoreboard OneSet(const Figure& gain) {
  BoardSet set{.title = "Table 0", .target = "luck", .rows = 9, .total_pairs = 7};
  set.lines = {Line("decoder_params", Sure(0.5, 0.1, 0.8), {}),
               Line("other", Sure(0.6, 0.2, 0.9), gain)};
  NoiseCeiling ceiling;
  ceiling.tau = Sure(0.7, 0.45, 0.9);
  set.ceiling = ceiling;
  return {.proxies = {"decoder_params", "other"}, .sets = {set}};
}

TEST(ProxiesPage, SaysThatNothingIsBetterWhereIntervalsDoNot) {
  const std::string page = ProxiesPage(OneSet(Sure(0.1, -0.2, 0.4)), "deepthin x");
  EXPECT_THAT(page, HasSubstr("Made by `deepthin x`"));
  EXPECT_THAT(page,
              HasSubstr("| Table 0 | 9 | 0 / 7 | decoder_params | 0.50 (0.10 .. 0.80) | - | - | "
                        "50 % (25 .. 75) |  |\n"));
  EXPECT_THAT(page, HasSubstr("+0.10 (-0.20 .. +0.40)"));
  EXPECT_THAT(page, HasSubstr("| other | 1 | 1 / 0 (0 / 0) |"));
  EXPECT_THAT(
      page,
      HasSubstr("On 0 of 1 sets `decoder_params` is at or above that expectation, on 1 more"));
}

TEST(ProxiesPage, SaysWhatIsBetterForSure) {
  const std::string page = ProxiesPage(OneSet(Sure(0.1, 0.05, 0.4)), "deepthin x");
  EXPECT_THAT(page, HasSubstr("| other | 1 | 1 / 0 (1 / 0) |"));
}

TEST(ProxiesPage, AUnionIsShownButNotCounted) {
  Scoreboard board = OneSet(Sure(0.1, 0.05, 0.4));
  board.sets[0].is_union = true;
  const std::string page = ProxiesPage(board, "x");
  EXPECT_THAT(page, HasSubstr("| Table 0 |"));
  EXPECT_THAT(page, HasSubstr("| other | 0 | 0 / 0 (0 / 0) |"));
}

TEST(ProxiesPage, WhatHasNoScoresSaysWhy) {
  Scoreboard board = OneSet({});
  board.sets[0].lines[1] = {.proxy = "other", .scored = 3, .why_not = "not scored"};
  EXPECT_THAT(ProxiesPage(board, "x"), HasSubstr("| other | 3 of 9 rows scored: not scored |"));
}

// Nobody asked for what it costs: no line. Else the set's other lines would drown in such.
TEST(ProxiesPage, WhatNobodyScoredHasNoLine) {
  Scoreboard board = OneSet({});
  board.sets[0].lines[1] = {.proxy = "other", .scored = 0, .why_not = kNotScored};
  EXPECT_THAT(ProxiesPage(board, "x"), Not(HasSubstr("rows scored")));
}

TEST(ProxiesPage, SaysWhatIsLeftOut) {
  Scoreboard board = OneSet({});
  board.left_out = {"t.jsonl: group tying has no runs yet"};
  EXPECT_THAT(ProxiesPage(board, "x"), HasSubstr("\n- Left out: t.jsonl: group tying has no"));
}

TEST(ScoreText, HasItsUnitAndItsInterval) {
  ProxyScore score;
  score.value = 106'200'000;
  EXPECT_EQ(ScoreText(score, "parameters"), "106.2M");
  EXPECT_EQ(IntervalText(score), "");
  score.value = 44.75;
  score.standard_error = 0.5;
  EXPECT_EQ(ScoreText(score, ""), "44.75");
  EXPECT_EQ(IntervalText(score), "43.93 .. 45.57");
}

// The files of --experiment in the command that a page names.
std::vector<std::string> ExperimentsOf(const std::string& command) {
  constexpr std::string_view kOption = "--experiment ";
  std::vector<std::string> files;
  for (size_t at = command.find(kOption); at != std::string::npos;
       at = command.find(kOption, at + 1)) {
    const size_t begin = at + kOption.size();
    files.push_back(command.substr(begin, command.find(' ', begin) - begin));
  }
  return files;
}

// `./dev proxies` writes it.
TEST(ProxiesPage, IsWhatTheDocumentationHas) {
  const std::string root = std::string(DEEPTHIN_SOURCE_DIR) + "/";
  const std::string page = ReadFile(root + "docs/proxies.md");
  const size_t begin = page.find('`') + 1;
  const std::string command = page.substr(begin, page.find('`', begin) - begin);
  EXPECT_THAT(command,
              testing::EndsWith("--scores results/proxy_scores.jsonl --out docs/proxies.md"));
  KeptScores kept(root + "results/proxy_scores.jsonl");
  std::vector<JudgedSet> sets = PaperSets();
  std::vector<AskedProxy> proxies = FreeProxies(kept, true);
  std::vector<TwinSets> twins;
  for (const std::string& file : ExperimentsOf(command)) {
    const std::string name = file.substr(file.rfind('/') + 1);
    twins.push_back(TwinSetsOf(ResultsFromText(ReadFile(root + file), file), name));
  }
  ASSERT_FALSE(twins.empty());
  for (const TwinSets& each : twins) AddTwins(each, sets, proxies);
  BoardOptions options;
  options.on_score = [](const std::string& proxy, const std::string& row) {
    ADD_FAILURE() << proxy << " has no kept score of " << row;
  };
  Scoreboard board = MakeScoreboard(sets, proxies, kept, options);
  for (const TwinSets& each : twins) {
    board.left_out.insert(board.left_out.end(), each.left_out.begin(), each.left_out.end());
  }
  EXPECT_EQ(page, ProxiesPage(board, command));
}

}  // namespace
}  // namespace deepthin::explorer

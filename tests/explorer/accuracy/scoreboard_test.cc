// The scoreboard with proxies whose worth is known, and what it keeps from fitted ones.
#include "explorer/accuracy/scoreboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "explorer/accuracy/paper_runs.h"
#include "explorer/accuracy/proxy_table.h"
#include "tests/explorer/accuracy/trained_rows.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A proxy from a function; counts its calls.
class FunctionProxy : public Proxy {
 public:
  explicit FunctionProxy(std::function<ProxyScore(const ModelSpec&)> score)
      : score_(std::move(score)) {}
  [[nodiscard]] Json Identity() const override { return Json::object(); }
  [[nodiscard]] ProxyScore Score(const ModelSpec& spec) override { return score_(spec); }

 private:
  std::function<ProxyScore(const ModelSpec&)> score_;
};

ProxyScore Valued(double value) {
  ProxyScore score;
  score.value = value;
  score.method = "made up";
  return score;
}

ProxyEntry EntryOf(ProxyCost cost, bool is_fitted,
                   std::function<ProxyScore(const ModelSpec&, const ProxyContext&)> score) {
  return {.name = "made_up",
          .version = "1",
          .help = "",
          .unit = "",
          .cost = cost,
          .is_fitted = is_fitted,
          .settings_help = "",
          .make = [score](const Json&, const Where&,
                          const ProxyContext& context) -> std::unique_ptr<Proxy> {
            return std::make_unique<FunctionProxy>(
                [score, context](const ModelSpec& spec) { return score(spec, context); });
          }};
}

AskedProxy Asked(const ProxyEntry& entry) { return {.argument = "made_up", .entry = &entry}; }

constexpr BootstrapOptions kFewResamples = {.resamples = 50};

Scoreboard Board(std::span<const JudgedSet> sets, std::vector<AskedProxy> proxies) {
  KeptScores kept;
  return MakeScoreboard(sets, std::move(proxies), kept,
                        {.may_execute = true, .bootstrap = kFewResamples});
}

TEST(PaperSets, HaveTheRowsOfTheirTables) {
  std::map<std::string, int64_t> rows;
  for (const JudgedSet& set : PaperSets()) {
    rows[set.title + ", " + set.target] = static_cast<int64_t>(set.rows.size());
    std::set<std::string> groups;
    for (const TrainedRow& row : set.rows) groups.insert(row.group);
    EXPECT_EQ(groups.size(), 1u) << set.title;
  }
  EXPECT_EQ(rows.size(), 2u * 9 + 4);
  EXPECT_EQ(rows["Table 11, 125M, average of eight tasks"], 9);
  EXPECT_EQ(rows["Table 11, 350M, HellaSwag"], 10);
  EXPECT_EQ(rows["Table 13, 350M, average of eight tasks"], 15);
  EXPECT_EQ(rows["Tables 2 and 14, 125M, HellaSwag"], 6);
  EXPECT_EQ(rows["Table 10, 125M, average of eight tasks"], 5);  // without OPT-125M
  EXPECT_EQ(rows["Table 10, 350M, average of eight tasks"], 6);
  EXPECT_EQ(rows["Table 11, 125M, RACE accuracy"], 9);
  // 19 of Table 11, 30 of 13, 10 more of 2 and 14, 7 more of 10, 1 more of 1.
  EXPECT_EQ(rows["All of them, 125M and 350M, average of eight tasks"], 67);
}

TEST(MakeScoreboard, HasTheKnownFiguresOfTheBaseline) {
  const Scoreboard board = Board(PaperSets(), {});
  ASSERT_EQ(board.proxies, std::vector<std::string>{"decoder_params"});
  EXPECT_NEAR(*board.sets[0].lines[0].ranking->tau.value, 0.74, 0.005);
  EXPECT_NEAR(*board.sets[1].lines[0].ranking->tau.value, 0.64, 0.005);
  EXPECT_EQ(board.sets[0].title, "Table 11, 125M");
  EXPECT_NEAR(*board.sets[0].standard_error, 0.45, 0.02);
}

// Each table's rows, and the same models elsewhere, are kept from what is fitted.
TEST(MakeScoreboard, FittedProxiesNeverSeeWhatTheyAreJudgedBy) {
  int64_t calls = 0;
  const ProxyEntry entry =
      EntryOf(ProxyCost::kInstant, true, [&](const ModelSpec& spec, const ProxyContext& context) {
        ++calls;
        EXPECT_GT(context.rows.size(), 20u);
        EXPECT_EQ(context.group, kPaperGroup);
        for (const TrainedRow& row : context.rows) EXPECT_FALSE(row.model == spec) << row.name;
        return Valued(0);
      });
  const Scoreboard board = Board(PaperSets(), {Asked(entry)});
  int64_t rows = 0;
  for (const BoardSet& set : board.sets) rows += (set.is_union ? 1 : 2) * set.rows;
  EXPECT_EQ(calls, rows);
}

TEST(MakeScoreboard, APerfectPredictorIsSeenAsOne) {
  std::vector<TrainedRow> rows = MadeUpRows(12, 0, 1);
  for (size_t i = 0; i < rows.size(); ++i) rows[i].table = i < 6 ? "a" : "b";
  const ProxyEntry entry =
      EntryOf(ProxyCost::kInstant, true, [](const ModelSpec& spec, const ProxyContext&) {
        ProxyScore score = Valued(MadeUpTarget(spec));
        score.standard_error = 0.5;
        return score;
      });
  const Scoreboard board = Board(SetsOf(rows, "made up"), {Asked(entry)});
  ASSERT_EQ(board.sets.size(), 2u);
  EXPECT_EQ(board.sets[0].title, "a, long");
  const BoardLine& line = board.sets[0].lines[1];
  EXPECT_EQ(line.ranking->tau.value, 1);
  EXPECT_EQ(line.coverage->covered, 6);
  EXPECT_NEAR(line.coverage->root_mean_square, 0, 1e-9);
  EXPECT_NEAR(line.coverage->half_width, 0.5 * kNinetyPercent, 1e-12);
  EXPECT_FALSE(board.sets[0].ceiling);  // no errors are known
}

TEST(MakeScoreboard, WhatCannotBeFittedSaysWhy) {
  const std::vector<TrainedRow> rows = MadeUpRows(8, 0.1, 2);  // one table: nothing is left to fit
  const Scoreboard board = Board(SetsOf(rows, "made up"), {ParseProxy("shape_surrogate", {})});
  const BoardLine& line = board.sets[0].lines[1];
  EXPECT_EQ(line.scored, 0);
  EXPECT_FALSE(line.ranking);
  const BoardLine& between = board.sets[0].lines[2];
  EXPECT_EQ(between.proxy, "shape_surrogate (one model left out)");
  EXPECT_EQ(between.scored, 8);
  EXPECT_THAT(line.why_not, HasSubstr("there are no other rows to fit"));
}

TEST(MakeScoreboard, CostlyScoresAreKeptAndFoundAgain) {
  int64_t calls = 0;
  const ProxyEntry entry =
      EntryOf(ProxyCost::kSeconds, false, [&](const ModelSpec& spec, const ProxyContext&) {
        ++calls;
        return Valued(static_cast<double>(spec.n_blocks));
      });
  const std::vector<JudgedSet> sets = PaperSets();
  KeptScores kept;
  BoardOptions options{.may_execute = false, .bootstrap = kFewResamples};
  const Scoreboard none = MakeScoreboard(sets, {Asked(entry)}, kept, options);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(none.sets[0].lines[1].scored, 0);
  EXPECT_EQ(none.sets[0].lines[1].why_not, "not scored");
  int64_t told = 0;
  options.on_score = [&](const std::string&, const std::string&) { ++told; };
  options.may_execute = true;
  const Scoreboard first = MakeScoreboard(sets, {Asked(entry)}, kept, options);
  EXPECT_EQ(calls, 67);  // each model once, though many sets have it
  EXPECT_EQ(told, 67);
  options.may_execute = false;
  EXPECT_EQ(MakeScoreboard(sets, {Asked(entry)}, kept, options), first);
  EXPECT_EQ(calls, 67);
}

// A pool without the rows needs nothing left out: one judgement, by all of it.
TEST(MakeScoreboard, APoolThatIsApartIsFittedWhole) {
  std::vector<TrainedRow> rows = MadeUpRows(12, 0, 1);
  JudgedSet set{.title = "new", .target = "made up", .rows = {rows.begin(), rows.begin() + 4}};
  for (size_t i = 4; i < rows.size(); ++i) rows[i].table = "b";
  set.pool = {rows.begin() + 4, rows.end()};
  set.is_apart = true;
  const ProxyEntry entry =
      EntryOf(ProxyCost::kInstant, true, [](const ModelSpec& spec, const ProxyContext& context) {
        EXPECT_EQ(context.rows.size(), 8u);
        return Valued(MadeUpTarget(spec));
      });
  const Scoreboard board = Board({&set, 1}, {Asked(entry)});
  ASSERT_EQ(board.sets[0].lines.size(), 2u);
  EXPECT_EQ(board.sets[0].lines[1].ranking->tau.value, 1);
}

// Small models are scored unasked where that takes seconds, never where it takes hours.
TEST(MakeScoreboard, SmallModelsAreScoredUnasked) {
  JudgedSet set{.title = "small", .target = "made up", .rows = MadeUpRows(5, 0, 1)};
  set.is_small = true;
  for (const ProxyCost cost : {ProxyCost::kSeconds, ProxyCost::kHours}) {
    const ProxyEntry entry = EntryOf(cost, false, [](const ModelSpec& spec, const ProxyContext&) {
      return Valued(MadeUpTarget(spec));
    });
    KeptScores kept;
    const Scoreboard board =
        MakeScoreboard({&set, 1}, {Asked(entry)}, kept, {.bootstrap = kFewResamples});
    EXPECT_EQ(board.sets[0].lines[1].scored, cost == ProxyCost::kSeconds ? 5 : 0);
  }
}

// Scores of elsewhere: nobody is asked, and what they do not cover is passed over.
TEST(MakeScoreboard, KnownScoresAreTakenAsTheyAre) {
  const ProxyEntry entry =
      EntryOf(ProxyCost::kHours, false, [](const ModelSpec&, const ProxyContext&) -> ProxyScore {
        ADD_FAILURE() << "was asked";
        return {};
      });
  std::vector<JudgedSet> sets = PaperSets();
  sets.resize(2);  // Table 11 by size
  KeptScores known;
  for (const TrainedRow& row : sets[0].rows) {
    ProxyScore score = Valued(row.target);
    score.proxy = "made_up";
    score.version = "1";
    known.Keep(Json::object(), row.model, score);
  }
  AskedProxy asked = Asked(entry);
  asked.known = &known;
  const Scoreboard board = Board(sets, {asked});
  EXPECT_NEAR(*board.sets[0].lines[1].ranking->tau.value, 1, 1e-12);
  EXPECT_EQ(board.sets[1].lines.size(), 1u);
  ASSERT_EQ(board.pooled.size(), 2u);
  EXPECT_EQ(board.pooled[1].sets, 1);
  EXPECT_EQ(board.pooled[1].decoder.pairs, board.sets[0].decoder_pairs);
  EXPECT_EQ(board.pooled[1].decoder.accuracy.value, 1);
}

// By hand from the sets' own figures: weighted by pairs.
TEST(MakeScoreboard, PoolsTheSetsOfAKind) {
  const Scoreboard board = Board(PaperSets(), {});
  const PooledLine& line = board.pooled.front();
  EXPECT_EQ(line.target, "average of eight tasks");
  EXPECT_EQ(line.sets, 8);  // not the union
  int64_t pairs = 0;
  double right = 0;
  double ceiling = 0;
  for (const BoardSet& set : board.sets) {
    if (set.is_union || set.target != line.target) continue;
    pairs += set.total_pairs;
    const auto n = static_cast<double>(set.total_pairs);
    right += n * *set.lines[0].ranking->iso_total.value;
    ceiling += n * *set.ceiling->iso_total.value;
  }
  EXPECT_EQ(line.total.pairs, pairs);
  EXPECT_NEAR(*line.total.accuracy.value, right / static_cast<double>(pairs), 1e-12);
  EXPECT_NEAR(*line.total_ceiling, ceiling / static_cast<double>(pairs), 1e-12);
  EXPECT_EQ(line.total.gain.interval, (Interval{0, 0}));  // to itself
}

TEST(SetsOf, SeedsOfAModelAreOneRow) {
  std::vector<TrainedRow> rows = MadeUpRows(3, 0, 3);
  rows[0].target = 4;
  TrainedRow seed = rows[0];
  seed.target = 6;
  rows.push_back(seed);
  const auto sets = SetsOf(rows, "made up");
  ASSERT_EQ(sets.size(), 1u);
  ASSERT_EQ(sets[0].rows.size(), 3u);
  EXPECT_EQ(sets[0].rows[0].target, 5);
  EXPECT_DOUBLE_EQ(*sets[0].rows[0].standard_error, 1);  // sqrt(2) / sqrt(2)
  EXPECT_FALSE(sets[0].rows[1].standard_error);
  EXPECT_EQ(sets[0].pool.size(), 4u);
  rows.resize(2);
  EXPECT_THAT(SetsOf(rows, "made up"), IsEmpty());  // too few to rank
}

TEST(ParseProxy, ReadsSettings) {
  const AskedProxy asked = ParseProxy("shape_surrogate:target=hellaswag:group=1T", {});
  EXPECT_EQ(asked.entry->name, "shape_surrogate");
  EXPECT_EQ(asked.settings, (Json{{"target", "hellaswag"}, {"group", "1T"}}));
  EXPECT_TRUE(ParseProxy("decoder_params", {}).settings.empty());
  for (const char* bad :
       {"oracle", "decoder_params:", "decoder_params:x", "decoder_params:=1", ""}) {
    EXPECT_THAT(InputErrorOf([&] {
                  return ParseProxy(bad, {"command line", "--proxy"}).settings;
                }),
                HasSubstr("command line: --proxy"))
        << bad;
  }
}

}  // namespace
}  // namespace deepthin::explorer

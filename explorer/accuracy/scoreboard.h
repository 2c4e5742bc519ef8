// The scoreboard: how well proxies rank models that somebody trained in full.
//
//   Scoreboard board = MakeScoreboard(PaperSets(), {{"decoder_params"}, {"shape_surrogate"}}, ...);
//
// What is fitted to trained rows is judged twice: fitted anew for each table, without its rows and
// without runs of the same models elsewhere, which asks what it knows beyond what it has seen; and
// for each model, without that alone, which asks what it knows between what it has seen.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "explorer/accuracy/kept_scores.h"
#include "explorer/accuracy/noise_ceiling.h"
#include "explorer/accuracy/pooled_pairs.h"
#include "explorer/accuracy/proxy.h"
#include "explorer/accuracy/ranking.h"
#include "explorer/accuracy/trained_row.h"

namespace deepthin::explorer {

// Rows of one group that are ranked against each other.
struct JudgedSet {
  std::string title;   // "Table 11, 125M"
  std::string target;  // "average of eight tasks"
  std::vector<TrainedRow> rows{};
  // What fitted proxies are fitted to, less the table of the row that is predicted. The same target
  // where other tables have it, else one that is like it.
  std::vector<TrainedRow> pool{};
  bool pool_has_target = true;  // so that predictions can be held against targets
  bool is_union = false;        // of other sets' rows: not to be counted again
  // The pool has none of the rows: nothing need be left out of it, so that fitted proxies are
  // judged once.
  bool is_apart = false;
  // Whether scores that take seconds may be computed unasked: the models are small.
  bool is_small = false;
  // For people: what sets are of one kind, whose pairs are counted together.
  std::string kind = "MobileLLM's tables";
};

// Tables 11, 13, 2 with 14, and 10 by class of size, and all of them together, by the average and
// by HellaSwag; Table 11 also by TQA and RACE (Table 12). Of Table 10 the models trained on 0.25T
// tokens: the others are two of a size.
[[nodiscard]] std::vector<JudgedSet> PaperSets();

// Each table of each group of somebody's rows, if it has three models or more. Rows of the same
// model in it (seeds) are one row with their mean; its standard error is that of the mean where at
// least two say no error of their own. target: what the numbers are, for people.
[[nodiscard]] std::vector<JudgedSet> SetsOf(std::span<const TrainedRow> rows,
                                            const std::string& target);

// How predictions with a standard error fared on rows that they were not fitted to.
struct Coverage {
  int64_t rows = 0;
  int64_t covered = 0;          // targets within the 90 % interval
  int64_t in_domain = 0;        // rows that the proxy takes for such as it knows
  double half_width = 0;        // of the interval, mean
  double root_mean_square = 0;  // of prediction - target
  double spread = 0;            // standard deviation of the targets

  friend bool operator==(const Coverage&, const Coverage&) = default;
};

// Why a row has no score: nobody asked for what it costs.
inline constexpr const char* kNotScored = "not scored";

struct BoardLine {
  std::string proxy;
  int64_t scored = 0;     // rows; a ranking needs all
  std::string why_not{};  // where rows have no score
  std::optional<Ranking> ranking{};
  std::optional<Coverage> coverage{};

  friend bool operator==(const BoardLine&, const BoardLine&) = default;
};

struct BoardSet {
  std::string title;
  std::string target;
  bool is_union = false;  // of other sets' rows
  int64_t rows = 0;
  int64_t decoder_pairs = 0;  // of one budget, with different targets
  int64_t total_pairs = 0;
  std::optional<double> standard_error{};  // of a row's target, mean; absent where not known
  std::optional<NoiseCeiling> ceiling{};
  std::string kind{};              // of sets
  std::vector<BoardLine> lines{};  // in the order of the proxies

  friend bool operator==(const BoardSet&, const BoardSet&) = default;
};

// A proxy on all sets of a kind, by one target, of which it has all scores; less unions.
struct PooledLine {
  std::string kind;
  std::string target;
  std::string proxy;
  int64_t sets = 0;
  PooledPairs decoder{};  // pairs of one decoder budget
  PooledPairs total{};    // and of one total budget
  // What a perfect proxy is expected to order rightly of these pairs; absent where it is not known
  // of all sets.
  std::optional<double> decoder_ceiling{};
  std::optional<double> total_ceiling{};
  int64_t predicted = 0;  // rows with an interval, which it was not fitted to
  int64_t covered = 0;    // of them, targets within it

  friend bool operator==(const PooledLine&, const PooledLine&) = default;
};

struct Scoreboard {
  std::vector<std::string> proxies;  // the baseline first
  std::vector<PooledLine> pooled{};  // by kind and target as sets have them, then as proxies
  std::vector<BoardSet> sets{};
  std::vector<std::string> left_out{};  // what there is nothing to judge by yet: a sentence each

  friend bool operator==(const Scoreboard&, const Scoreboard&) = default;
};

// A proxy as it is asked for: "NAME" or "NAME:key=value:key=value".
enum class HoldOut { kTable, kModel };
struct AskedProxy {
  std::string argument;
  const ProxyEntry* entry = nullptr;
  Json settings = Json::object();
  HoldOut hold_out = HoldOut::kTable;  // of fitted ones
  // Where its scores are from, if it is not to be asked itself; sets of which they lack a model are
  // passed over. Outlives the scoreboard's making.
  const KeptScores* known = nullptr;
};
// Throws InputError for an unknown name; settings are checked when the proxy is made.
[[nodiscard]] AskedProxy ParseProxy(const std::string& argument, const Where& where);

// The proxies that cost nothing here: those that take an instant, and those of which scores are
// kept, each without settings. with_seconds: those that take seconds, too.
[[nodiscard]] std::vector<AskedProxy> FreeProxies(const KeptScores& kept,
                                                  bool with_seconds = false);

struct BoardOptions {
  ProxyContext context{};  // without rows
  // Whether scores may be computed that take seconds or hours; without it they are taken from what
  // was kept.
  bool may_execute = false;
  BootstrapOptions bootstrap{};
  // Before a score that takes more than an instant; may be empty.
  std::function<void(const std::string& proxy, const std::string& row)> on_score{};
};

// decoder_params is judged whether it is asked for or not, and what is fitted a second time, as
// "NAME (one model left out)", but for unions and where the pool is apart. Scores that take more
// than an instant are looked up in `kept` first, and kept there. Throws what the proxies throw.
[[nodiscard]] Scoreboard MakeScoreboard(std::span<const JudgedSet> sets,
                                        std::vector<AskedProxy> proxies, KeptScores& kept,
                                        const BoardOptions& options);

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::Coverage> {
  using S = explorer::Coverage;
  static constexpr auto kList =
      std::tuple(Field("rows", &S::rows, "left out"),
                 Field("covered", &S::covered, "within the 90 % interval"),
                 Field("in_domain", &S::in_domain, "such as the proxy knows"),
                 Field("half_width", &S::half_width, "of the interval, mean"),
                 Field("root_mean_square", &S::root_mean_square, "of prediction - target"),
                 Field("spread", &S::spread, "standard deviation of the targets"));
};

template <>
struct deepthin::Fields<deepthin::explorer::BoardLine> {
  using S = explorer::BoardLine;
  static constexpr auto kList = std::tuple(
      Field("proxy", &S::proxy, "name, with settings"), Field("scored", &S::scored, "rows"),
      Field("why_not", &S::why_not, "where rows have no score"),
      Field("ranking", &S::ranking, "absent where rows have no score", Presence::kOptional),
      Field("coverage", &S::coverage, "of predictions", Presence::kOptional));
};

template <>
struct deepthin::Fields<deepthin::explorer::BoardSet> {
  using S = explorer::BoardSet;
  static constexpr auto kList = std::tuple(
      Field("title", &S::title, "table and size"), Field("target", &S::target, "what is ranked by"),
      Field("is_union", &S::is_union, "of other sets' rows"), Field("rows", &S::rows, "models"),
      Field("decoder_pairs", &S::decoder_pairs, "of one decoder budget"),
      Field("total_pairs", &S::total_pairs, "of one total budget"),
      Field("standard_error", &S::standard_error, "of a row, mean", Presence::kOptional),
      Field("ceiling", &S::ceiling, "of a perfect proxy", Presence::kOptional),
      Field("kind", &S::kind, "of sets"), Field("lines", &S::lines, "one a proxy"));
};

template <>
struct deepthin::Fields<deepthin::explorer::PooledLine> {
  using S = explorer::PooledLine;
  static constexpr auto kList = std::tuple(
      Field("kind", &S::kind, "of sets"), Field("target", &S::target, "what is ranked by"),
      Field("proxy", &S::proxy, "name, with settings"), Field("sets", &S::sets, "that it scores"),
      Field("decoder", &S::decoder, "pairs of one decoder budget"),
      Field("total", &S::total, "pairs of one total budget"),
      Field("decoder_ceiling", &S::decoder_ceiling, "of a perfect proxy", Presence::kOptional),
      Field("total_ceiling", &S::total_ceiling, "of a perfect proxy", Presence::kOptional),
      Field("predicted", &S::predicted, "rows with an interval"),
      Field("covered", &S::covered, "targets within it"));
};
template <>
struct deepthin::Fields<deepthin::explorer::Scoreboard> {
  using S = explorer::Scoreboard;
  static constexpr auto kList =
      std::tuple(Field("proxies", &S::proxies, "the baseline first"),
                 Field("pooled", &S::pooled, "pairs of one budget, sets of a kind together"),
                 Field("sets", &S::sets, "what they are judged by"),
                 Field("left_out", &S::left_out, "and what there is nothing of"));
};

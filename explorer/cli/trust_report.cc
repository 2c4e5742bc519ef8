#include "explorer/cli/trust_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "explorer/cli/figure_text.h"

namespace deepthin::explorer {
namespace {

// Lines of one kind and target, the baseline first.
using Kind = std::vector<const PooledLine*>;

std::vector<Kind> KindsOf(const Scoreboard& board) {
  std::vector<Kind> kinds;
  for (const PooledLine& line : board.pooled) {
    const bool is_next = kinds.empty() || kinds.back().front()->kind != line.kind ||
                         kinds.back().front()->target != line.target;
    if (is_next) kinds.emplace_back();
    kinds.back().push_back(&line);
  }
  return kinds;
}

// Each kind by the first of its targets.
std::vector<Kind> FirstTargets(const Scoreboard& board) {
  std::vector<Kind> out;
  for (Kind& kind : KindsOf(board)) {
    const bool is_there = std::any_of(out.begin(), out.end(), [&](const Kind& other) {
      return other.front()->kind == kind.front()->kind;
    });
    if (!is_there) out.push_back(std::move(kind));
  }
  return out;
}

std::string CoverageText(const PooledLine& line) {
  if (line.predicted == 0) return "";
  return fmt::format(
      "{} of {} ({:.0f} %)", line.covered, line.predicted,
      100.0 * static_cast<double>(line.covered) / static_cast<double>(line.predicted));
}

std::string CeilingText(const std::optional<double>& share) {
  return share ? fmt::format("{:.0f} %", 100 * *share) : "-";
}

std::string Rows(const Kind& kind) {
  std::string out;
  std::string head = fmt::format("{}, by {}", kind.front()->kind, kind.front()->target);
  for (const PooledLine* const line : kind) {
    const bool is_baseline = line == kind.front();
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", head, line->proxy,
                       line->sets, line->decoder.pairs, PercentText(line->decoder.accuracy),
                       is_baseline ? "" : PointsText(line->decoder.gain), line->total.pairs,
                       PercentText(line->total.accuracy),
                       is_baseline ? "" : PointsText(line->total.gain), CoverageText(*line));
    head.clear();
  }
  const PooledLine& all = *kind.front();
  if (!all.decoder_ceiling && !all.total_ceiling) return out;
  return out + fmt::format("|  | *perfect proxy* | {} | {} | {} | | {} | {} | | |\n", all.sets,
                           all.decoder.pairs, CeilingText(all.decoder_ceiling), all.total.pairs,
                           CeilingText(all.total_ceiling));
}

constexpr const char* kTableHead =
    "| models, by | proxy | sets | pairs of one decoder budget | ordered rightly | less "
    "decoder_params's | pairs of one total budget | ordered rightly | less decoder_params's | "
    "90 % intervals hold |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";

std::string Listed(const std::vector<std::string>& items) {
  return items.empty() ? "none" : fmt::format("{}", fmt::join(items, ", "));
}

// What stands so to the baseline on pairs of either budget: "`x` (total budget: 85 against 77 %)".
std::string Standing(const Kind& kind, bool (*stands)(const Interval& gain)) {
  std::vector<std::string> found;
  for (size_t i = 1; i < kind.size(); ++i) {
    for (const auto& [budget, pairs] :
         {std::pair{"decoder", &PooledLine::decoder}, std::pair{"total", &PooledLine::total}}) {
      const PooledPairs& of_proxy = (*kind[i]).*pairs;
      if (!of_proxy.gain.interval || !stands(*of_proxy.gain.interval)) continue;
      found.push_back(fmt::format("`{}` ({} budget: {:.0f} against {:.0f} % of {})", kind[i]->proxy,
                                  budget, 100 * of_proxy.accuracy.value.value_or(0),
                                  100 * of_proxy.baseline.value.value_or(0), of_proxy.pairs));
    }
  }
  return Listed(found);
}

bool IsAbove(const Interval& gain) { return gain.low > 0; }
bool IsBelow(const Interval& gain) { return gain.high < 0; }

std::string BaselineText(const PooledPairs& pairs, const std::optional<double>& ceiling,
                         const char* budget) {
  std::string out = fmt::format("{} of the {} pairs of one {} budget", PercentText(pairs.accuracy),
                                pairs.pairs, budget);
  return ceiling ? out + fmt::format(" (a perfect proxy: {})", CeilingText(ceiling)) : out;
}

bool IsOnPairs(const PooledLine& line, bool (*holds)(const Interval& gain)) {
  return (line.decoder.gain.interval && holds(*line.decoder.gain.interval)) ||
         (line.total.gain.interval && holds(*line.total.gain.interval));
}

bool BeatsACoin(const PooledLine& line) {
  const auto beats = [](const Figure& accuracy) {
    return accuracy.interval && accuracy.interval->low > 0.5;
  };
  return beats(line.decoder.accuracy) || beats(line.total.accuracy);
}

// Another kind on which the proxy is surely worse than the baseline; "" where there is none.
std::string WorseElsewhere(const std::vector<Kind>& kinds, const PooledLine& of) {
  for (const Kind& kind : kinds) {
    for (const PooledLine* const line : kind) {
      if (line->proxy == of.proxy && IsOnPairs(*line, IsBelow)) return line->kind;
    }
  }
  return "";
}

// A proxy that predicts is fitted to each kind of models anew: what it does elsewhere, another one
// does. On this kind it has to be right for both budgets.
bool IsAGuideHere(const PooledLine& line) {
  return line.predicted > 0 && !IsOnPairs(line, IsBelow);
}

// What speaks against a proxy that is surely better than the baseline on one kind.
std::string Reserve(const PooledLine& line, const std::string& worse_on) {
  const char* const format =
      IsAGuideHere(line)
          ? " `{}` is fitted to each kind of models anew, and surely worse on {}: a guide "
            "where models of the same kind have been trained, as here, and nowhere else."
          : " `{}` is surely better here and surely worse on {}: no guide.";
  return fmt::format(fmt::runtime(format), line.proxy, worse_on);
}

// What follows for who has to choose.
std::string Advice(const Kind& kind, const std::vector<Kind>& kinds) {
  std::vector<std::string> trusted;
  std::string reserves;
  for (const PooledLine* const line : kind) {
    if (!IsOnPairs(*line, IsAbove) || !BeatsACoin(*line)) continue;
    const std::string elsewhere = WorseElsewhere(kinds, *line);
    if (elsewhere.empty() || IsAGuideHere(*line)) trusted.push_back("`" + line->proxy + "`");
    if (!elsewhere.empty()) reserves += Reserve(*line, elsewhere);
  }
  const std::string baseline = kind.front()->proxy;
  const bool counts = BeatsACoin(*kind.front());
  if (!trusted.empty()) return fmt::format("Trust {}.", Listed(trusted)) + reserves;
  if (counts) return fmt::format("Trust `{}`: nothing surely beats it.", baseline) + reserves;
  return fmt::format("Trust none: `{}` does not surely beat a coin, either.", baseline) + reserves;
}

// Where a coin surely orders more of the pairs of a budget than the baseline does.
std::string ReversedText(const PooledLine& baseline) {
  const auto is_reversed = [](const Figure& accuracy) {
    return accuracy.interval && accuracy.interval->high < 0.5;
  };
  const Figure& decoder = baseline.decoder.accuracy;
  const Figure& total = baseline.total.accuracy;
  if (!is_reversed(decoder) && !is_reversed(total)) return "";
  return fmt::format(
      " The other way round, with less being better, it would be {:.0f} and {:.0f} %.",
      100 * (1 - decoder.value.value_or(0.5)), 100 * (1 - total.value.value_or(0.5)));
}

std::string KindText(const Kind& kind, const std::vector<Kind>& kinds) {
  const PooledLine& first = *kind.front();
  return fmt::format(
      "- **Two models of one budget: {}, by {}.** {} `{}` orders {} and {} rightly.{} Surely "
      "better: {}. Surely worse: {}.\n",
      first.kind, first.target, Advice(kind, kinds), first.proxy,
      BaselineText(first.decoder, first.decoder_ceiling, "decoder"),
      BaselineText(first.total, first.total_ceiling, "total"), ReversedText(first),
      Standing(kind, IsAbove), Standing(kind, IsBelow));
}

// What many comparisons do.
std::string LuckText(const std::vector<Kind>& kinds) {
  int64_t comparisons = 0;
  for (const Kind& kind : kinds) {
    for (size_t i = 1; i < kind.size(); ++i) {
      comparisons += kind[i]->decoder.gain.interval ? 1 : 0;
      comparisons += kind[i]->total.gain.interval ? 1 : 0;
    }
  }
  return fmt::format(
      "- These are {} comparisons by 90 % intervals: luck alone is expected to make about {:.0f} "
      "of "
      "them look surely better, and as many surely worse.\n",
      comparisons, 0.05 * static_cast<double>(comparisons));
}

// Models of several sizes together.
std::string AcrossSizes(const Scoreboard& board) {
  for (const BoardSet& set : board.sets) {
    if (!set.is_union || !set.lines.front().ranking) continue;
    std::string out =
        fmt::format("- **Across sizes** ({}, {} models, by {}): ", set.title, set.rows, set.target);
    std::vector<std::string> taus;
    for (const BoardLine& line : set.lines) {
      if (!line.ranking) continue;
      taus.push_back(
          fmt::format("`{}` has a tau of {}", line.proxy, FigureText(line.ranking->tau)));
    }
    return out + Listed(taus) + ".\n";
  }
  return "";
}

// Of 90 % intervals, by what luck makes of them in 90 of 100 cases.
const char* CoverageJudgement(const PooledLine& line) {
  constexpr double kPromised = 0.9;
  constexpr double kUnlikely = 0.05;
  const boost::math::binomial luck(static_cast<double>(line.predicted), kPromised);
  const auto covered = static_cast<double>(line.covered);
  if (cdf(luck, covered) < kUnlikely) return "too narrow";
  const bool is_wide = covered > 0 && cdf(complement(luck, covered - 1)) < kUnlikely;
  return is_wide ? "too wide" : "about what they promise";
}

// By kind and proxy, over all targets.
std::string IntervalsText(const Scoreboard& board) {
  std::vector<PooledLine> sums;
  for (const PooledLine& line : board.pooled) {
    if (line.predicted == 0) continue;
    const auto sum = std::find_if(sums.begin(), sums.end(), [&](const PooledLine& other) {
      return other.kind == line.kind && other.proxy == line.proxy;
    });
    if (sum == sums.end()) {
      sums.push_back(line);
    } else {
      sum->predicted += line.predicted;
      sum->covered += line.covered;
    }
  }
  std::vector<std::string> texts;
  for (const PooledLine& sum : sums) {
    texts.push_back(fmt::format("of `{}` on {} {}: {}", sum.proxy, sum.kind, CoverageText(sum),
                                CoverageJudgement(sum)));
  }
  if (texts.empty()) return "";
  return fmt::format(
      "- **How far to trust a prediction.** 90 % intervals hold so many targets of models that "
      "were "
      "not fitted: {}.\n",
      fmt::join(texts, "; "));
}

std::string TableOf(const std::vector<Kind>& kinds) {
  std::string rows;
  for (const Kind& kind : kinds) rows += Rows(kind);
  return rows.empty() ? "" : kTableHead + rows;
}

}  // namespace

std::string TrustSection(const Scoreboard& board) {
  const std::vector<Kind> kinds = FirstTargets(board);
  if (kinds.empty()) return "";
  std::string out;
  for (const Kind& kind : kinds) out += KindText(kind, kinds);
  return out + AcrossSizes(board) + IntervalsText(board) + LuckText(kinds) + "\n" + TableOf(kinds);
}

std::string PooledTable(const Scoreboard& board, std::string_view target) {
  const std::vector<Kind> shown = FirstTargets(board);
  std::vector<Kind> kinds;
  for (Kind& kind : KindsOf(board)) {
    if (kind.front()->target != target) continue;
    if (std::find(shown.begin(), shown.end(), kind) == shown.end())
      kinds.push_back(std::move(kind));
  }
  return TableOf(kinds);
}

}  // namespace deepthin::explorer

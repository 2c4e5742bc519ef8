#include "explorer/cli/proxies_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "explorer/cli/figure_text.h"
#include "explorer/cli/human.h"
#include "explorer/cli/trust_report.h"

namespace deepthin::explorer {
namespace {

std::string RankingRows(const BoardSet& set) {
  std::string out;
  std::string head =
      fmt::format("{} | {} | {} / {}", set.title, set.rows, set.decoder_pairs, set.total_pairs);
  for (const BoardLine& line : set.lines) {
    if (line.ranking) {
      const Ranking& r = *line.ranking;
      const bool is_baseline = &line == &set.lines.front();
      out += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", head, line.proxy,
                         FigureText(r.tau), FigureText(r.rho), PercentText(r.iso_decoder),
                         PercentText(r.iso_total), is_baseline ? "" : GainText(r.tau_gain));
    } else {
      if (line.scored == 0 && line.why_not == kNotScored) continue;
      out += fmt::format("| {} | {} | {} of {} rows scored: {} | | | | |\n", head, line.proxy,
                         line.scored, set.rows, line.why_not);
    }
    head = " | | ";
  }
  if (set.ceiling) {
    out += fmt::format("| {} | *perfect proxy* | {} | {} | {} | {} | |\n", head,
                       FigureText(set.ceiling->tau), FigureText(set.ceiling->rho),
                       PercentText(set.ceiling->iso_decoder), PercentText(set.ceiling->iso_total));
  }
  return out;
}

std::string CoverageRow(const BoardSet& set, const BoardLine& line) {
  const Coverage& c = *line.coverage;
  return fmt::format("| {} | {} | {} | {} of {} | {:.2f} | {:.2f} | {:.2f} | {} |\n", set.title,
                     set.target, line.proxy, c.covered, c.rows, c.half_width, c.root_mean_square,
                     c.spread, c.in_domain);
}

// How the sets fall out for a proxy against the baseline.
struct Tally {
  int64_t sets = 0;
  int64_t ahead = 0;
  int64_t behind = 0;
  int64_t surely_ahead = 0;  // the interval of the difference lies above 0
  int64_t surely_behind = 0;

  void Add(const Figure& gain) {
    if (!gain.value) return;
    ++sets;
    ahead += *gain.value > 0 ? 1 : 0;
    behind += *gain.value < 0 ? 1 : 0;
    surely_ahead += gain.interval && gain.interval->low > 0 ? 1 : 0;
    surely_behind += gain.interval && gain.interval->high < 0 ? 1 : 0;
  }
};

// "7 / 10 (1 / 5)".
std::string Cell(const Tally& tally) {
  return fmt::format("{} / {} ({} / {})", tally.ahead, tally.behind, tally.surely_ahead,
                     tally.surely_behind);
}

const BoardLine* LineNamed(const BoardSet& set, const std::string& proxy) {
  const auto found = std::find_if(set.lines.begin(), set.lines.end(),
                                  [&](const BoardLine& line) { return line.proxy == proxy; });
  return found == set.lines.end() ? nullptr : &*found;
}

std::string TallyRow(const Scoreboard& board, const std::string& proxy) {
  Tally tau;
  Tally decoder;
  Tally total;
  for (const BoardSet& set : board.sets) {
    const BoardLine* const line = LineNamed(set, proxy);
    if (set.is_union || line == nullptr || !line->ranking) continue;
    tau.Add(line->ranking->tau_gain);
    decoder.Add(line->ranking->iso_decoder_gain);
    total.Add(line->ranking->iso_total_gain);
  }
  return fmt::format("| {} | {} | {} | {} | {} |\n", proxy, tau.sets, Cell(tau), Cell(decoder),
                     Cell(total));
}

std::string AgainstCeiling(const Scoreboard& board) {
  int64_t sets = 0;
  int64_t above = 0;
  int64_t within = 0;
  double low = 1;
  double high = 0;
  for (const BoardSet& set : board.sets) {
    if (set.is_union || !set.ceiling || !set.ceiling->tau.interval) continue;
    const BoardLine& baseline = set.lines.front();
    if (!baseline.ranking || !baseline.ranking->tau.value) continue;
    ++sets;
    low = std::min(low, *set.ceiling->tau.value);
    high = std::max(high, *set.ceiling->tau.value);
    const double tau = *baseline.ranking->tau.value;
    above += tau >= *set.ceiling->tau.value ? 1 : 0;
    within += tau >= set.ceiling->tau.interval->low && tau < *set.ceiling->tau.value ? 1 : 0;
  }
  if (sets == 0) return "";
  return fmt::format(
      "- The evaluations' own error leaves a perfect proxy an expected tau of {:.2f} to {:.2f}, by "
      "set. On {} of {} sets `{}` is at or above that expectation, on {} more below it but within "
      "a "
      "perfect proxy's luck: there, evaluations cannot show that any proxy is better.\n",
      low, high, above, sets, board.proxies.front(), within);
}

std::string LeftOut(const Scoreboard& board) {
  std::string out;
  for (const std::string& sentence : board.left_out) {
    out += fmt::format("{}- Left out: {}.\n", out.empty() ? "\n" : "", sentence);
  }
  return out;
}

std::vector<std::string> TargetsOf(const Scoreboard& board) {
  std::vector<std::string> targets;
  for (const BoardSet& set : board.sets) {
    if (std::find(targets.begin(), targets.end(), set.target) == targets.end()) {
      targets.push_back(set.target);
    }
  }
  return targets;
}

std::string Verdict(const Scoreboard& board) {
  std::string out = AgainstCeiling(board);
  std::string rows;
  for (size_t i = 1; i < board.proxies.size(); ++i) rows += TallyRow(board, board.proxies[i]);
  if (rows.empty()) return out;
  return out +
         fmt::format(
             "\nOn how many sets a proxy is above / below `{}`, and in brackets on how many "
             "surely:\n\n"
             "| proxy | sets | Kendall's tau | pairs of one decoder budget | pairs of one total "
             "budget |\n|---|--:|--:|--:|--:|\n",
             board.proxies.front()) +
         rows;
}

}  // namespace

std::string ProxiesPage(const Scoreboard& board, const std::string& command) {
  std::string out = fmt::format(
      "# Accuracy proxies, judged\n\n"
      "Made by `{}`, not by hand. How each figure is computed: [accuracy.md](accuracy.md).\n\n"
      "## Which to trust, for what, and how far\n\n{}\n"
      "In brackets: 90 % bootstrap intervals over the models of a set; of the perfect proxy, "
      "which\n"
      "knows the truth but is judged by finite evaluations (twins: by finitely many seeds), the\n"
      "range of its luck. A coin orders 50 % of the pairs rightly. 'Surely' is: the interval of "
      "the\n"
      "difference to `{}` on the same models lies on one side of 0.\n\n"
      "What is fitted to trained models has seen neither the table that it is judged by nor the\n"
      "same models elsewhere; 'one model left out' has seen all but the model that it predicts,\n"
      "and so its neighbours in the table too. For small models and twins it is fitted to the\n"
      "calibration group of their experiment alone. Scores that take seconds are shown where they\n"
      "were kept or the models are small; 'short_training (EXPERIMENT)' is the loss of the\n"
      "experiment's twins as a score of the models whose twins they are.\n{}\n"
      "## Set by set\n\n{}",
      command, TrustSection(board), board.proxies.front(), LeftOut(board), Verdict(board));
  for (const std::string& target : TargetsOf(board)) {
    const std::string pooled = PooledTable(board, target);
    out += fmt::format(
        "\n## By {}\n\n{}"
        "| models | n | pairs | proxy | tau | rho | decoder pairs | total pairs | tau less {}'s |\n"
        "|---|--:|--:|---|--:|--:|--:|--:|--:|\n",
        target, pooled.empty() ? "" : pooled + "\n", board.proxies.front());
    for (const BoardSet& set : board.sets) {
      if (set.target == target) out += RankingRows(set);
    }
  }
  std::string coverage;
  for (const BoardSet& set : board.sets) {
    for (const BoardLine& line : set.lines) {
      if (line.coverage) coverage += CoverageRow(set, line);
    }
  }
  if (coverage.empty()) return out;
  return out +
         "\n## Predictions of left-out rows\n\n"
         "'rms' is the root mean square of prediction less target, 'spread' the standard "
         "deviation\n"
         "of the targets themselves: what a proxy that knew only their mean would have.\n\n"
         "| models | target | proxy | within 90 % | half width | rms | spread | in domain |\n"
         "|---|---|---|--:|--:|--:|--:|--:|\n" +
         coverage;
}

std::string ScoreText(const ProxyScore& score, std::string_view unit) {
  if (unit == "parameters") return HumanCount(static_cast<int64_t>(score.value));
  return fmt::format("{:.4g}{}{}", score.value, unit.empty() ? "" : " ", unit);
}

std::string IntervalText(const ProxyScore& score) {
  if (!score.standard_error) return "";
  const double half_width = kNinetyPercent * *score.standard_error;
  return fmt::format("{:.4g} .. {:.4g}", score.value - half_width, score.value + half_width);
}

}  // namespace deepthin::explorer

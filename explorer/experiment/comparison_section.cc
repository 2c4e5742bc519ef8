#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "explorer/experiment/page_sections.h"
#include "results/paper_tables.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

// Standard error of an average over the paper's eight tasks by their numbers of questions, in
// points (docs: PaperTable::notes of table-11); of a difference of two such, sqrt(2) times that.
constexpr double kPaperAverageError = 0.45;

const char* const kAverage = "Avg";
const char* const kHellaSwag = "HellaSwag";

// Below it a rank correlation says nothing.
constexpr size_t kFewestToRank = 5;

// Cells of one column of the paper's rows, in the order of the group's models.
std::vector<double> PaperColumn(const ExperimentGroup& group, const std::string& column,
                                size_t models) {
  const results::PaperTable& table = results::PaperTableByName(group.paper->table);
  const auto found = std::find(table.columns.begin(), table.columns.end(), column);
  std::vector<double> out;
  for (const std::vector<std::string>& row : table.rows) {
    if (!group.paper->first.empty() && row.front() != group.paper->first) continue;
    if (found == table.columns.end()) break;
    const std::string& cell = row[static_cast<size_t>(found - table.columns.begin())];
    double value = 0;
    std::from_chars(cell.data(), cell.data() + cell.size(), value);
    out.push_back(value);
  }
  if (out.size() != models) {
    throw InputError({group.name, "/paper"},
                     fmt::format("has {} rows with {} for {} models", out.size(), column, models),
                     "one for each");
  }
  return out;
}

// A group with the paper's columns and what is compared with what.
struct Comparison {
  std::span<const ExperimentCell> cells;
  std::vector<ExperimentCell> ranked;  // over the seeds that all with runs have
  std::optional<size_t> reference{};
  std::vector<std::optional<Contrast>> contrasts{};
  std::vector<double> average{};  // the paper's; empty: it has none
  std::vector<double> hella_swag{};
};

size_t ReferenceIndex(const PageGroup& page) {
  for (size_t i = 0; i < page.cells.size(); ++i) {
    if (page.cells[i].label == page.group.reference) return i;
  }
  throw InputError({page.group.name, "/reference"}, "is '" + page.group.reference + "'",
                   "a label of the group");
}

Comparison ComparisonOf(const PageGroup& page) {
  const size_t n = page.cells.size();
  Comparison out{.cells = page.cells, .ranked = OverCommonSeeds(page.cells)};
  out.contrasts.resize(n);
  if (!page.group.reference.empty()) {
    out.reference = ReferenceIndex(page);
    out.contrasts = ContrastsTo(page.cells[*out.reference], page.cells);
  }
  if (page.group.paper) {
    out.average = PaperColumn(page.group, kAverage, n);
    out.hella_swag = PaperColumn(page.group, kHellaSwag, n);
  }
  return out;
}

std::string WithHalf(const std::string& value, const std::optional<double>& half) {
  return value + (half ? fmt::format(" ± {:.4f}", *half) : "");
}

// In points of the paper's average: of a model less the reference.
bool IsWithinThePapersError(double points) {
  return std::abs(points) <= kNinetyPercent * std::sqrt(2.0) * kPaperAverageError;
}

std::string VerdictHere(const Contrast& contrast) {
  const std::string side = contrast.difference < 0 ? "better" : "worse";
  if (!contrast.half_interval) return side + " here (one seed)";
  return std::abs(contrast.difference) <= *contrast.half_interval ? "within the error here"
                                                                  : side + " here";
}

std::string VerdictOfPaper(double points) {
  if (IsWithinThePapersError(points)) return "within the paper's error";
  return points > 0 ? "better in the paper" : "worse in the paper";
}

// The last cells of a row: the paper's values and the verdict.
std::string PaperCells(const Comparison& c, size_t i) {
  if (c.average.empty()) return "";
  std::string out = fmt::format(" {:.1f} | {:.1f} |", c.average[i], c.hella_swag[i]);
  if (!c.reference) return out;
  if (i == *c.reference) return out + " the reference |";
  if (!c.contrasts[i]) return out + " – |";
  return out + fmt::format(" {}, {} |", VerdictHere(*c.contrasts[i]),
                           VerdictOfPaper(c.average[i] - c.average[*c.reference]));
}

std::string TableText(const PageGroup& page, const Comparison& c) {
  std::string names = "| model | width | decoder | all | runs | loss |";
  std::string rule = "|---|--:|--:|--:|--:|--:|";
  const auto column = [&](const std::string& name, const char* line) {
    names += " " + name + " |";
    rule += line;
  };
  if (c.reference) column("less " + page.group.reference + "'s", "--:|");
  if (!c.average.empty()) column("paper: average", "--:|");
  if (!c.average.empty()) column("HellaSwag", "--:|");
  if (!c.average.empty() && c.reference) column("verdict", "---|");
  std::string out = names + "\n" + rule + "\n";
  const auto deviation = SeedDeviation(page.cells);
  for (size_t i = 0; i < page.cells.size(); ++i) {
    const ModelSpec& m = page.cells[i].model;
    const auto seeds = static_cast<int64_t>(c.ranked[i].losses.size());
    std::optional<double> half;
    if (deviation && seeds > 0) half = deviation->HalfInterval(seeds);
    out += fmt::format("| {} | {} | {} | {} | {} | {} |", page.cells[i].label, m.d_model,
                       Millions(CountParams(m).blocks), Millions(CountParams(m).matrices()),
                       page.cells[i].losses.size(), WithHalf(LossText(c.ranked[i]), half));
    const auto& contrast = c.contrasts[i];
    if (c.reference) {
      out += contrast ? fmt::format(" {} |", WithHalf(fmt::format("{:+.4f}", contrast->difference),
                                                      contrast->half_interval))
                      : " |";
    }
    out += PaperCells(c, i) + "\n";
  }
  return out;
}

// Models whose intervals reach the best one's.
std::string BestText(const Comparison& c) {
  const ExperimentCell* best = BestOf(c.ranked);
  if (best == nullptr) return "";
  std::string out = fmt::format("- Lowest mean loss: **{}** ({:.4f}).", best->label, best->mean());
  const auto contrasts = ContrastsTo(*best, c.ranked);
  std::vector<std::string> alike;
  bool is_known = false;
  for (size_t i = 0; i < c.ranked.size(); ++i) {
    if (!contrasts[i] || !contrasts[i]->half_interval) continue;
    is_known = true;
    if (contrasts[i]->difference <= *contrasts[i]->half_interval) {
      alike.push_back(c.ranked[i].label);
    }
  }
  if (!is_known) return out + "\n";
  if (alike.empty()) return out + " Every other one is worse by more than the error.\n";
  return out + fmt::format(" Not to be told from it: {}.\n", fmt::join(alike, ", "));
}

std::string AgreementText(const Figure& tau) {
  if (!tau.interval) return "cannot be held against";
  if (tau.interval->low > 0) return "agrees with";
  return tau.interval->high < 0 ? "is the reverse of" : "has no sure relation to";
}

// Rank correlations over the models with runs, of minus the loss with the paper and with what
// needs no training.
void Rank(const Comparison& c, PageSection& out) {
  std::vector<double> quality;
  std::vector<NamedValues> lists = {{"the paper's average", {}},
                                    {"the paper's HellaSwag", {}},
                                    {"decoder parameters", {}},
                                    {"executed blocks", {}}};
  for (size_t i = 0; i < c.ranked.size(); ++i) {
    if (!c.ranked[i].has_runs()) continue;
    const ModelSpec& model = c.ranked[i].model;
    quality.push_back(-c.ranked[i].mean());
    lists[0].second.push_back(c.average[i]);
    lists[1].second.push_back(c.hella_swag[i]);
    lists[2].second.push_back(static_cast<double>(CountParams(model).blocks));
    lists[3].second.push_back(static_cast<double>(ExecutedBlocks(model)));
  }
  if (quality.size() < kFewestToRank) return;
  const std::vector<Figure> taus = TausWith(quality, lists);
  out.text += fmt::format("\nThe order of {} models:\n\n{}", quality.size(), TauTable(lists, taus));
  const auto part = [&](size_t i) {
    return fmt::format("{} {} (Kendall's tau {:.2f}, {})", AgreementText(taus[i]), lists[i].first,
                       taus[i].value.value_or(0), IntervalText(taus[i]));
  };
  out.in_short = fmt::format("the order of {} models {}; it {}", quality.size(), part(0), part(1));
}

// Few models: each beside the reference, here and in the paper.
void CompareEach(const PageGroup& page, const Comparison& c, PageSection& out) {
  if (!c.reference) return;
  std::vector<std::string> parts;
  for (size_t i = 0; i < c.cells.size(); ++i) {
    const auto& contrast = c.contrasts[i];
    if (!contrast) continue;
    std::string& part = parts.emplace_back(
        fmt::format("{} {}, {}", c.cells[i].label,
                    WithHalf(fmt::format("{:+.4f}", contrast->difference), contrast->half_interval),
                    VerdictHere(*contrast)));
    if (c.average.empty()) continue;
    const double points = c.average[i] - c.average[*c.reference];
    part += fmt::format(" ({:+.1f} points in the paper{})", points,
                        IsWithinThePapersError(points) ? ", within its error" : "");
  }
  if (parts.empty()) return;
  out.in_short =
      fmt::format("loss less that of {}: {}", page.group.reference, fmt::join(parts, "; "));
}

}  // namespace

PageSection ComparisonSection(const PageGroup& page) {
  const Comparison c = ComparisonOf(page);
  PageSection out;
  out.text = TableText(page, c) + "\n" + BestText(c);
  if (const std::string seeds = SeedsText(c.cells, c.ranked); !seeds.empty()) {
    out.text += "- " + seeds + " Differences are means over all seeds that the two models have.\n";
  }
  out.text += NoiseText(page.cells);
  if (page.cells.size() < kFewestToRank) {
    CompareEach(page, c, out);
  } else if (page.group.paper) {
    Rank(c, out);
  }
  return out;
}

}  // namespace deepthin::explorer

#include "explorer/experiment/page_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "results/paper_tables.h"
#include "spec/rank_stats.h"

namespace deepthin::explorer {
namespace {

// Standard error of an average over the paper's eight tasks by their numbers of questions, in
// points (docs: PaperTable::notes of table-11); of a difference of two such, sqrt(2) times that.
constexpr double kPaperAverageError = 0.45;

const char* const kAverage = "Avg";
const char* const kHellaSwag = "HellaSwag";

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

const ExperimentCell* BestOf(std::span<const ExperimentCell> cells) {
  const ExperimentCell* best = nullptr;
  for (const ExperimentCell& cell : cells) {
    if (cell.has_runs() && (best == nullptr || cell.mean() < best->mean())) best = &cell;
  }
  return best;
}

std::string Millions(int64_t count) {
  return fmt::format("{:.2f}M", static_cast<double>(count) * 1e-6);
}

std::string LossText(const ExperimentCell& cell) {
  if (cell.has_runs()) return fmt::format("{:.4f}", cell.mean());
  return cell.diverged > 0 ? "diverged" : "–";
}

std::string IntervalText(const std::optional<double>& half) {
  return half ? fmt::format(" ± {:.4f}", *half) : "";
}

// How the seeds compare with the shapes, in a few sentences.
std::string NoiseText(std::span<const ExperimentCell> cells) {
  const auto seeds = SeedDeviation(cells);
  if (!seeds) {
    return "No model has two seeds yet, so that nothing can be said of the error that a seed "
           "makes: differences are what they are for one seed.\n";
  }
  std::string out = fmt::format(
      "Seeds: the losses of one model have a standard deviation of {:.4f} over its seeds ({} "
      "degrees of freedom).",
      seeds->value, seeds->degrees);
  const auto residual = ResidualDeviation(cells);
  const auto spread = SpreadOf(cells);
  if (!residual || !spread) return out + "\n";
  out += fmt::format(
      " Part of that is the same for all models of a seed, which see the same batches; {:.4f} is "
      "left, and that is what blurs their order. Shapes: their means have a standard deviation of "
      "{:.4f}",
      residual->value, spread->of_means);
  const double beyond = spread->beyond_seeds.value_or(spread->of_means);
  out += fmt::format(", {:.4f} without what the seeds make of it, {:.1f} times what is left. ",
                     beyond, beyond / residual->value);
  if (beyond <= residual->value) {
    return out + "**The two are of one size: the order of these shapes is noise.**\n";
  }
  return out + (beyond < 3 * residual->value
                    ? "Neighbours in the table need several seeds to be told apart.\n"
                    : "One seed suffices to see the large differences.\n");
}

// Models whose intervals reach the best one's.
std::string BestText(std::span<const ExperimentCell> cells) {
  const ExperimentCell* best = BestOf(cells);
  if (best == nullptr) return "No run of this group has been made.\n";
  std::string out = fmt::format("Lowest mean loss: **{}** ({:.4f}).", best->label, best->mean());
  const auto contrasts = ContrastsTo(*best, cells);
  std::vector<std::string> alike;
  bool is_known = false;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!contrasts[i] || !contrasts[i]->half_interval) continue;
    is_known = true;
    if (contrasts[i]->difference <= *contrasts[i]->half_interval) alike.push_back(cells[i].label);
  }
  if (!is_known) return out + "\n";
  if (alike.empty()) return out + " Every other one is worse by more than the error.\n";
  return out + fmt::format(" Not to be told from it: {}.\n", fmt::join(alike, ", "));
}

// Whether one model is better than the reference here and in the paper.
std::string VerdictText(const std::optional<Contrast>& contrast, double points) {
  if (!contrast) return "–";
  const std::string paper = std::abs(points) <= 1.96 * std::sqrt(2.0) * kPaperAverageError
                                ? "within the paper's error"
                            : points > 0 ? "better in the paper"
                                         : "worse in the paper";
  std::string here = contrast->difference < 0 ? "better here" : "worse here";
  if (!contrast->half_interval) {
    here += " (one seed)";
  } else if (std::abs(contrast->difference) <= *contrast->half_interval) {
    here = "within the error here";
  }
  return here + ", " + paper;
}

size_t ReferenceIndex(const PageGroup& page) {
  for (size_t i = 0; i < page.cells.size(); ++i) {
    if (page.cells[i].label == page.group.reference) return i;
  }
  throw InputError({page.group.name, "/reference"}, "is '" + page.group.reference + "'",
                   "a label of the group");
}

std::string ShapeCells(const ModelSpec& m) {
  return fmt::format("{} | {} | {}", m.d_model, Millions(CountParams(m).blocks),
                     Millions(CountParams(m).matrices()));
}

// In words, a rank correlation that chance alone keeps within +-chance in 95 of 100 cases.
std::string AgreementText(const std::string& with, double tau, double chance) {
  if (tau > chance) return fmt::format("The order agrees with {}. ", with);
  if (tau < -chance) return fmt::format("**The order is the reverse of {}.** ", with);
  return fmt::format("The order agrees with {} no more than chance would have it. ", with);
}

// Rank correlations over the cells with runs: of minus the loss with the paper and with what needs
// no training.
std::string RankText(const PageGroup& page, std::span<const double> average,
                     std::span<const double> hella_swag) {
  std::vector<double> quality;
  std::vector<double> of_paper;
  std::vector<double> of_hella_swag;
  std::vector<double> decoder;
  std::vector<double> depth;
  for (size_t i = 0; i < page.cells.size(); ++i) {
    if (!page.cells[i].has_runs()) continue;
    quality.push_back(-page.cells[i].mean());
    of_paper.push_back(average[i]);
    of_hella_swag.push_back(hella_swag[i]);
    decoder.push_back(static_cast<double>(CountParams(page.cells[i].model).blocks));
    depth.push_back(static_cast<double>(ExecutedBlocks(page.cells[i].model)));
  }
  if (quality.size() < 5) return "";
  const auto n = static_cast<double>(quality.size());
  // Kendall (1938): the variance of tau where there is no relation.
  const double chance = 1.96 * std::sqrt(2 * (2 * n + 5) / (9 * n * (n - 1)));
  const double average_tau = KendallTau(quality, of_paper);
  const double hella_swag_tau = KendallTau(quality, of_hella_swag);
  return fmt::format(
      "\nKendall's tau of minus the loss, over {} models: with the paper's average {:.2f}, with "
      "its HellaSwag {:.2f}, with decoder parameters {:.2f}, with executed blocks {:.2f}. (Of so "
      "few models chance alone makes ± {:.2f} in 95 of 100 cases.) {}{}\n",
      quality.size(), average_tau, hella_swag_tau, KendallTau(quality, decoder),
      KendallTau(quality, depth), chance, AgreementText("the paper's average", average_tau, chance),
      AgreementText("the paper's HellaSwag", hella_swag_tau, chance));
}

}  // namespace

std::string LearningRateSection(const PageGroup& page) {
  const double common = page.experiment.training.learning_rate;
  const std::vector<double>& rates = page.group.learning_rates;
  const size_t models = page.cells.size() / rates.size();
  std::string out = fmt::format("Parametrisation `{}`; the other groups use {}.\n\n| model |",
                                ToText(ParametrisationOf(page.experiment, page.group)), common);
  for (const double rate : rates) out += fmt::format(" {} |", rate);
  out += " best |\n|---|";
  for (size_t i = 0; i <= rates.size(); ++i) out += "--:|";
  out += "\n";
  std::string says;
  std::vector<double> costs;  // of the common rate
  for (size_t m = 0; m < models; ++m) {
    std::vector<ExperimentCell> row;
    for (size_t r = 0; r < rates.size(); ++r) row.push_back(page.cells[r * models + m]);
    const ExperimentCell* best = BestOf(row);
    out += fmt::format("| {} |", row.front().label);
    for (const ExperimentCell& cell : row) out += fmt::format(" {} |", LossText(cell));
    out += best == nullptr ? " – |\n" : fmt::format(" {} |\n", best->learning_rate);
    if (best == nullptr) continue;
    const bool is_edge = rates.size() > 1 && (best->learning_rate == rates.front() ||
                                              best->learning_rate == rates.back());
    says += fmt::format("- {}: lowest at {}{}", row.front().label, best->learning_rate,
                        is_edge ? ", an end of the range: the best may lie beyond it" : "");
    const auto at_common = std::find_if(row.begin(), row.end(), [&](const auto& cell) {
      return cell.learning_rate == common && cell.has_runs();
    });
    if (at_common != row.end()) {
      costs.push_back(at_common->mean() - best->mean());
      says += fmt::format("; at {} the loss is {:.4f} above that", common, costs.back());
    }
    says += ".\n";
  }
  if (costs.size() > 1) {
    const auto [least, most] = std::minmax_element(costs.begin(), costs.end());
    says += fmt::format(
        "\n**What one rate for all costs differs by {:.4f} between these shapes**: a difference "
        "between shapes that is not larger than that may be the learning rate's.\n",
        *most - *least);
  }
  return out + "\n" + says;
}

std::string ComparisonSection(const PageGroup& page) {
  const size_t n = page.cells.size();
  std::vector<std::optional<Contrast>> contrasts(n);
  std::optional<size_t> reference;
  if (!page.group.reference.empty()) {
    reference = ReferenceIndex(page);
    contrasts = ContrastsTo(page.cells[*reference], page.cells);
  }
  std::vector<double> average;
  std::vector<double> hella_swag;
  if (page.group.paper) {
    average = PaperColumn(page.group, kAverage, n);
    hella_swag = PaperColumn(page.group, kHellaSwag, n);
  }
  std::string out = fmt::format(
      "| model | width | decoder | all | runs | loss | to {} | paper: average | HellaSwag |{}\n"
      "|---|--:|--:|--:|--:|--:|--:|--:|--:|{}\n",
      reference ? page.group.reference : "a reference", reference ? " verdict |" : "",
      reference ? "---|" : "");
  const auto deviation = SeedDeviation(page.cells);
  for (size_t i = 0; i < n; ++i) {
    const ExperimentCell& cell = page.cells[i];
    const auto runs = static_cast<int64_t>(cell.losses.size());
    std::optional<double> half;
    if (deviation && runs > 0) half = deviation->HalfInterval(runs);
    out += fmt::format("| {} | {} | {} | {}{} | {} |", cell.label, ShapeCells(cell.model), runs,
                       LossText(cell), IntervalText(half),
                       contrasts[i] ? fmt::format("{:+.4f}{}", contrasts[i]->difference,
                                                  IntervalText(contrasts[i]->half_interval))
                                    : "");
    out += page.group.paper ? fmt::format(" {:.1f} | {:.1f} |", average[i], hella_swag[i]) : " | |";
    if (reference) {
      const double points = page.group.paper ? average[i] - average[*reference] : 0;
      out += i == *reference ? " |" : fmt::format(" {} |", VerdictText(contrasts[i], points));
    }
    out += "\n";
  }
  out += "\n" + BestText(page.cells) + "\n" + NoiseText(page.cells);
  if (page.group.paper) out += RankText(page, average, hella_swag);
  return out;
}

std::string ShapesSection(const PageGroup& page) {
  std::string out = fmt::format(
      "Random shapes of {} parameters (± {:.0f} %), one run each.\n\n"
      "| model | heads | KV heads | tied | d_ff | decoder | all | loss |\n"
      "|---|--:|--:|---|--:|--:|--:|--:|\n",
      Millions(page.group.random->params), 100 * page.group.random->tolerance);
  int64_t made = 0;
  double least = INFINITY;
  double most = -INFINITY;
  for (const ExperimentCell& cell : page.cells) {
    const ModelSpec& m = cell.model;
    if (cell.has_runs()) {
      ++made;
      least = std::min(least, cell.mean());
      most = std::max(most, cell.mean());
    }
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", cell.label, m.n_heads,
                       m.n_kv_heads, m.tie_embeddings ? "yes" : "no", m.d_ff,
                       Millions(CountParams(m).blocks), Millions(CountParams(m).matrices()),
                       LossText(cell));
  }
  if (made == 0) return out + "\nNo run of this group has been made.\n";
  out += fmt::format("\n{} runs, losses from {:.4f} to {:.4f}.", made, least, most);
  if (const auto spread = SpreadOf(page.cells)) {
    out += fmt::format(" Standard deviation between shapes: {:.4f}.", spread->of_means);
  }
  return out + "\n";
}

}  // namespace deepthin::explorer

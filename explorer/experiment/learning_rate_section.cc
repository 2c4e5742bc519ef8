#include <fmt/format.h>

#include <algorithm>

#include "explorer/experiment/page_sections.h"

namespace deepthin::explorer {
namespace {

// One model with each learning rate.
struct RateRow {
  std::vector<ExperimentCell> cells;
  size_t tried = 0;  // with an outcome
  const ExperimentCell* best = nullptr;
  std::optional<double> cost{};  // of the common rate, above the best; where all were tried
};

std::vector<RateRow> RowsOf(const PageGroup& page) {
  const size_t rates = page.group.learning_rates.size();
  const size_t models = page.cells.size() / rates;
  std::vector<RateRow> rows(models);
  for (size_t m = 0; m < models; ++m) {
    RateRow& row = rows[m];
    for (size_t r = 0; r < rates; ++r) row.cells.push_back(page.cells[r * models + m]);
    for (const ExperimentCell& cell : row.cells) {
      row.tried += cell.has_runs() || cell.diverged > 0 ? 1 : 0;
    }
    row.best = BestOf(row.cells);
    if (row.best == nullptr || row.tried < rates) continue;
    for (const ExperimentCell& cell : row.cells) {
      if (cell.learning_rate == page.experiment.training.learning_rate && cell.has_runs()) {
        row.cost = cell.mean() - row.best->mean();
      }
    }
  }
  return rows;
}

std::string RowText(const RateRow& row) {
  std::string out = fmt::format("| {} |", row.cells.front().label);
  for (const ExperimentCell& cell : row.cells) out += fmt::format(" {} |", LossText(cell));
  return out + (row.best == nullptr ? " – |\n" : fmt::format(" {} |\n", row.best->learning_rate));
}

std::string FindingText(const RateRow& row, double common) {
  const std::string& label = row.cells.front().label;
  if (row.tried < row.cells.size()) {
    return fmt::format("- {}: {} of {} rates tried yet; which is best is not known.\n", label,
                       row.tried, row.cells.size());
  }
  if (row.best == nullptr) return fmt::format("- {}: diverged at every rate.\n", label);
  const double best = row.best->learning_rate;
  const bool is_edge = row.cells.size() > 1 && (best == row.cells.front().learning_rate ||
                                                best == row.cells.back().learning_rate);
  std::string out = fmt::format("- {}: lowest at {}{}", label, best,
                                is_edge ? ", an end of the range: the best may lie beyond it" : "");
  if (row.cost) out += fmt::format("; at {} the loss is {:.4f} above that", common, *row.cost);
  return out + ".\n";
}

}  // namespace

PageSection LearningRateSection(const PageGroup& page) {
  const double common = page.experiment.training.learning_rate;
  PageSection out;
  out.text = fmt::format("Parametrisation `{}`; the other groups use {}.\n\n| model |",
                         ToText(ParametrisationOf(page.experiment, page.group)), common);
  for (const double rate : page.group.learning_rates) out.text += fmt::format(" {} |", rate);
  out.text += " best |\n|---|";
  for (size_t i = 0; i <= page.group.learning_rates.size(); ++i) out.text += "--:|";
  out.text += "\n";
  const std::vector<RateRow> rows = RowsOf(page);
  std::string findings;
  std::vector<double> costs;
  for (const RateRow& row : rows) {
    out.text += RowText(row);
    findings += FindingText(row, common);
    if (row.cost) costs.push_back(*row.cost);
  }
  out.text += "\n" + findings;
  if (costs.size() < 2 || costs.size() < rows.size()) return out;
  const auto [least, most] = std::minmax_element(costs.begin(), costs.end());
  out.text += fmt::format(
      "\n**What one rate for all costs differs by {:.4f} between these shapes**: a difference "
      "between shapes that is not larger than that may be the learning rate's.\n",
      *most - *least);
  std::vector<std::string> parts;
  for (size_t i = 0; i < rows.size(); ++i) {
    parts.push_back(fmt::format("{:.4f} for {}", costs[i], rows[i].cells.front().label));
  }
  out.in_short = fmt::format("what one rate for all ({}) costs beside the best one is {}", common,
                             fmt::join(parts, ", "));
  return out;
}

}  // namespace deepthin::explorer

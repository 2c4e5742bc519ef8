#include <fmt/format.h>

#include <algorithm>

#include "explorer/experiment/page_sections.h"
#include "spec/errors.h"
#include "spec/rank_stats.h"

namespace deepthin::explorer {

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

std::string IntervalText(const Figure& figure) {
  if (!figure.interval) return "–";
  return fmt::format("{:.2f} to {:.2f}", figure.interval->low, figure.interval->high);
}

std::vector<Figure> TausWith(std::span<const double> quality, std::span<const NamedValues> lists) {
  const auto compute = [&](std::span<const size_t> sample, std::span<std::optional<double>> out) {
    std::vector<double> picked;
    for (const size_t i : sample) picked.push_back(quality[i]);
    if (std::count(picked.begin(), picked.end(), picked.front()) ==
        static_cast<std::ptrdiff_t>(picked.size())) {
      return;  // one model, drawn again and again
    }
    for (size_t j = 0; j < lists.size(); ++j) {
      std::vector<double> other;
      for (const size_t i : sample) other.push_back(lists[j].second[i]);
      out[j] = KendallTau(picked, other);
    }
  };
  return Bootstrap(quality.size(), lists.size(), compute, {});
}

std::string TauTable(std::span<const NamedValues> lists, std::span<const Figure> taus) {
  DEEPTHIN_CHECK(lists.size() == taus.size());
  std::string out = "| minus the loss with | Kendall's tau | 90 % interval |\n|---|--:|--:|\n";
  for (size_t i = 0; i < lists.size(); ++i) {
    out += fmt::format("| {} | {:.2f} | {} |\n", lists[i].first, taus[i].value.value_or(0),
                       IntervalText(taus[i]));
  }
  return out;
}

std::string SeedsText(std::span<const ExperimentCell> cells,
                      std::span<const ExperimentCell> common_runs) {
  std::vector<int64_t> common;
  bool is_left_out = false;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (common_runs[i].losses.size() < cells[i].losses.size()) is_left_out = true;
    if (!common_runs[i].has_runs() || !common.empty()) continue;
    for (const auto& [seed, loss] : common_runs[i].losses) common.push_back(seed);
  }
  if (!is_left_out) return "";
  return fmt::format(
      "Losses are means over what all of these models have, seed{} {}: another seed means other "
      "batches.",
      common.size() == 1 ? "" : "s", fmt::join(common, ", "));
}

std::string NoiseText(std::span<const ExperimentCell> cells) {
  const auto seeds = SeedDeviation(cells);
  if (!seeds) {
    return "- No model has two seeds yet, so that nothing can be said of the error that a seed "
           "makes: differences are what they are for one seed.\n";
  }
  std::string out = fmt::format(
      "- Seeds: the losses of one model have a standard deviation of {:.4f} over its seeds ({} "
      "degrees of freedom).",
      seeds->value, seeds->degrees);
  const auto residual = ResidualDeviation(cells);
  const auto spread = SpreadOf(cells);
  if (!residual || !spread) return out + "\n";
  out += fmt::format(
      " Part of that is the same for all models of a seed, which see the same batches; {:.4f} is "
      "left, and that is what blurs their order.\n- Shapes: their means have a standard deviation "
      "of {:.4f}",
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

}  // namespace deepthin::explorer

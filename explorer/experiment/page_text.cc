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

}  // namespace deepthin::explorer

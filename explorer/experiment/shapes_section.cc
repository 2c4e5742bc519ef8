#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "explorer/accuracy/shape_features.h"
#include "explorer/accuracy/shape_slopes.h"
#include "explorer/experiment/page_sections.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

constexpr size_t kShown = 3;  // at either end of the order

// What is asked of a shape, and what the paper says of it. In one budget the width follows.
struct Question {
  std::string_view feature;  // of kShapeFeatures
  bool is_logarithm;         // then of its doubling
  const char* text;
  const char* paper;
  double sign;  // of the loss's change that the paper's word means; 0: it has none
};
constexpr std::array kQuestions = {
    Question{"stored blocks", true, "twice the blocks, so narrower ones", "deeper is better", -1},
    Question{"repeats", true, "each block executed twice", "better (table 2)", -1},
    Question{"d_ff / d_model", true, "twice d_ff / d_model", "–", 0},
    Question{"KV heads / heads", true, "twice the KV heads", "–", 0},
    Question{"tied embeddings", false, "tied embeddings, so more for the blocks",
             "better for the size (table 1)", -1}};

std::vector<const ExperimentCell*> ByLoss(std::span<const ExperimentCell> cells) {
  std::vector<const ExperimentCell*> out;
  for (const ExperimentCell& cell : cells) {
    if (cell.has_runs()) out.push_back(&cell);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto* a, const auto* b) { return a->mean() < b->mean(); });
  return out;
}

std::string RowText(size_t place, const ExperimentCell& cell) {
  const ModelSpec& m = cell.model;
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", place, cell.label, m.n_heads,
                     m.n_kv_heads, m.tie_embeddings ? "yes" : "no", m.d_ff,
                     Millions(CountParams(m).blocks), LossText(cell));
}

// The ends of the order; all of it where it is short.
std::string EndsTable(std::span<const ExperimentCell* const> order) {
  std::string out =
      "| place | blocks x width | heads | KV heads | tied | d_ff | decoder | loss |\n"
      "|--:|---|--:|--:|---|--:|--:|--:|\n";
  for (size_t i = 0; i < order.size(); ++i) {
    const bool is_shown =
        order.size() <= 2 * kShown + 1 || i < kShown || i + kShown >= order.size();
    if (is_shown) out += RowText(i + 1, *order[i]);
    if (!is_shown && i == kShown) out += "| … | | | | | | | |\n";
  }
  return out;
}

// How a slope's interval lies to the paper's word.
std::string AgreementText(const Interval& interval, double sign) {
  if (interval.low <= 0 && interval.high >= 0) return "not to be told";
  std::string here = interval.high < 0 ? "better" : "worse";
  if (sign == 0) return here;
  return here + ((interval.high < 0) == (sign < 0) ? ", as in the paper" : ", against the paper");
}

std::vector<size_t> AskedFeatures() {
  std::vector<size_t> out;
  for (const Question& question : kQuestions) {
    const auto found = std::find(kShapeFeatures.begin(), kShapeFeatures.end(), question.feature);
    out.push_back(static_cast<size_t>(found - kShapeFeatures.begin()));
  }
  return out;
}

// What each property does to the loss.
void AddSlopes(std::span<const ExperimentCell* const> order, PageSection& out) {
  std::vector<ModelSpec> models;
  std::vector<double> losses;
  for (const ExperimentCell* cell : order) {
    models.push_back(cell->model);
    losses.push_back(cell->mean());
  }
  const auto slopes = SlopesOf(models, losses, AskedFeatures(), {});
  if (!slopes) {
    out.text += "\nThese are too few to say what each property of a shape does to the loss.\n";
    return;
  }
  out.text += fmt::format(
      "\nWhat each property does to the loss, the others held alike (linear regression over the {} "
      "shapes on logarithms; {:.4f} is left unexplained):\n\n"
      "| in the same budget | loss | 90 % interval | here | the paper |\n|---|--:|--:|---|---|\n",
      order.size(), slopes->left);
  for (const ShapeSlope& slope : slopes->slopes) {
    const auto* question = std::find_if(kQuestions.begin(), kQuestions.end(),
                                        [&](const auto& q) { return q.feature == slope.feature; });
    if (!slope.slope.interval) continue;
    const double unit = question->is_logarithm ? std::log(2.0) : 1;
    const Interval interval{slope.slope.interval->low * unit, slope.slope.interval->high * unit};
    const std::string here = AgreementText(interval, question->sign);
    const std::string figures = fmt::format("{:+.4f}", *slope.slope.value * unit);
    const std::string range = fmt::format("{:+.4f} to {:+.4f}", interval.low, interval.high);
    out.text += fmt::format("| {} | {} | {} | {} | {} |\n", question->text, figures, range, here,
                            question->paper);
    if (question->sign == 0) continue;
    out.in_short += fmt::format("{}{}: loss {} ({}), {}", out.in_short.empty() ? "" : "; ",
                                question->text, figures, range, here);
  }
}

// Of the loss with what needs no training.
std::string RankText(std::span<const ExperimentCell* const> order) {
  std::vector<double> quality;
  std::vector<NamedValues> lists = {
      {"decoder parameters", {}}, {"executed blocks", {}}, {"width", {}}};
  for (const ExperimentCell* cell : order) {
    quality.push_back(-cell->mean());
    lists[0].second.push_back(static_cast<double>(CountParams(cell->model).blocks));
    lists[1].second.push_back(static_cast<double>(ExecutedBlocks(cell->model)));
    lists[2].second.push_back(static_cast<double>(cell->model.d_model));
  }
  return "\n" + TauTable(lists, TausWith(quality, lists));
}

// "4 runs each".
std::string RunsEachText(std::span<const ExperimentCell> cells) {
  size_t least = SIZE_MAX;
  size_t most = 0;
  for (const ExperimentCell& cell : cells) {
    if (!cell.has_runs()) continue;
    least = std::min(least, cell.losses.size());
    most = std::max(most, cell.losses.size());
  }
  if (most <= 1) return "one run each";
  return least == most ? fmt::format("{} runs each", most)
                       : fmt::format("{} to {} runs each", least, most);
}

// How the shapes' differences compare with the error of a run: their own, or where each has one run
// that of another group.
std::string ErrorText(const PageGroup& page) {
  if (SeedDeviation(page.cells)) return "\n\n" + NoiseText(page.cells);
  const auto spread = SpreadOf(page.cells);
  if (!spread) return "\n";
  std::string out = fmt::format(" Standard deviation between shapes: {:.4f}", spread->of_means);
  if (page.seed_noise) {
    out += fmt::format("; of a run by its seed, as another group has it: {:.4f}",
                       page.seed_noise->value);
  }
  return out + ".\n";
}

}  // namespace

PageSection ShapesSection(const PageGroup& page) {
  PageSection out;
  const std::vector<ExperimentCell> cells = OverCommonSeeds(page.cells);
  const auto order = ByLoss(cells);
  int64_t diverged = 0;
  for (const ExperimentCell& cell : cells) diverged += cell.diverged;
  out.text = fmt::format("{} of {} random shapes of {} parameters (± {:.0f} %), {}", order.size(),
                         cells.size(), Millions(page.group.random->params),
                         100 * page.group.random->tolerance, RunsEachText(page.cells));
  if (diverged > 0) out.text += fmt::format(", and {} that diverged", diverged);
  if (order.empty()) {
    out.text += ".\n";
    return out;
  }
  out.text +=
      fmt::format(": losses from {:.4f} to {:.4f}.", order.front()->mean(), order.back()->mean());
  if (const std::string seeds = SeedsText(page.cells, cells); !seeds.empty()) {
    out.text += " " + seeds;
  }
  out.text += ErrorText(page) + "\n" + EndsTable(order);
  AddSlopes(order, out);
  if (order.size() >= 5) out.text += RankText(order);
  return out;
}

}  // namespace deepthin::explorer

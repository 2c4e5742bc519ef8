// The sections of an experiment's page, one for each kind of group. Private to page.cc.
//
// Intervals are of 90 %, as everywhere in deepthin.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "explorer/accuracy/ranking.h"
#include "explorer/experiment/summary.h"

namespace deepthin::explorer {

struct PageGroup {
  const Experiment& experiment;
  const ExperimentGroup& group;
  std::span<const ExperimentCell> cells;  // of the group; some with runs
  // Of one run, beside what a seed does to all models; from whichever group knows it best.
  std::optional<Deviation> seed_noise{};
};

struct PageSection {
  std::string text;        // below its heading
  std::string in_short{};  // what it finds, in a sentence or two; empty where it finds nothing
};

// Several learning rates of each model.
[[nodiscard]] PageSection LearningRateSection(const PageGroup& page);
// Models that the paper has results of, or any with a reference.
[[nodiscard]] PageSection ComparisonSection(const PageGroup& page);
// Random shapes.
[[nodiscard]] PageSection ShapesSection(const PageGroup& page);
// The sample. REQUIRES: there is one.
[[nodiscard]] std::string SampleSection(const ExperimentResults& results);

// What sections share.

// Null where none has runs.
[[nodiscard]] const ExperimentCell* BestOf(std::span<const ExperimentCell> cells);
[[nodiscard]] std::string Millions(int64_t count);               // "1.27M"
[[nodiscard]] std::string LossText(const ExperimentCell& cell);  // the mean, "diverged" or a dash
[[nodiscard]] std::string IntervalText(const Figure& figure);    // "-0.10 to 0.20", or a dash

// A sentence on which seeds the losses are means over; empty where they are all that there are.
// common_runs: OverCommonSeeds(cells).
[[nodiscard]] std::string SeedsText(std::span<const ExperimentCell> cells,
                                    std::span<const ExperimentCell> common_runs);
// How the seeds' errors compare with the models' differences, as list items.
[[nodiscard]] std::string NoiseText(std::span<const ExperimentCell> cells);

// Kendall's tau of `quality` with each of the lists, with intervals over the models.
using NamedValues = std::pair<std::string, std::vector<double>>;
[[nodiscard]] std::vector<Figure> TausWith(std::span<const double> quality,
                                           std::span<const NamedValues> lists);
// As a table.
[[nodiscard]] std::string TauTable(std::span<const NamedValues> lists,
                                   std::span<const Figure> taus);

}  // namespace deepthin::explorer

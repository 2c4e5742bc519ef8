// What the runs of an experiment say: losses by model with the error that the seed makes, and
// differences between models that were trained with the same seeds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "explorer/experiment/results_file.h"

namespace deepthin::explorer {

// The runs of one model with one learning rate in one group, by seed.
struct ExperimentCell {
  size_t group = 0;
  double learning_rate = 0;
  std::string label;
  ModelSpec model;
  std::map<int64_t, double> losses{};  // last validation loss of what did not diverge, by seed
  int64_t diverged = 0;
  int64_t planned = 0;  // seeds

  [[nodiscard]] bool has_runs() const { return !losses.empty(); }
  [[nodiscard]] double mean() const;  // REQUIRES: has_runs()
};

// All cells that the experiment plans, in the order of groups, learning rates and models; with the
// runs there are.
[[nodiscard]] std::vector<ExperimentCell> CellsOf(const ExperimentResults& results);
[[nodiscard]] std::vector<ExperimentCell> CellsOfGroup(std::span<const ExperimentCell> cells,
                                                       size_t group);

// The cells with the runs of those seeds alone that every cell with runs has, so that their means
// are over the same batches. The cells as they are where no seed is common to them.
[[nodiscard]] std::vector<ExperimentCell> OverCommonSeeds(std::span<const ExperimentCell> cells);

// A standard deviation with its degrees of freedom.
struct Deviation {
  double value = 0;
  int64_t degrees = 0;

  // Half of the interval that holds the mean of n such numbers in 90 of 100 cases.
  [[nodiscard]] double HalfInterval(int64_t n) const;
};

// Of the losses of one model over its seeds, pooled over the cells; absent where no cell has two.
[[nodiscard]] std::optional<Deviation> SeedDeviation(std::span<const ExperimentCell> cells);

// The same without what a seed does to all of them alike: the deviation from the sum of a model's
// and a seed's own part. It, and not the above, blurs the order of models trained with the same
// seeds. Over the seeds that every cell with runs has; absent below two of them or two cells.
[[nodiscard]] std::optional<Deviation> ResidualDeviation(std::span<const ExperimentCell> cells);

// Standard deviation of the cells' means over the seeds that all of them have, and of what is left
// of it when the residual's part is taken away (0 where that is all). Absent below three cells with
// runs, or where no seed is common to them.
struct ShapeSpread {
  double of_means = 0;
  std::optional<double> beyond_seeds{};
};
[[nodiscard]] std::optional<ShapeSpread> SpreadOf(std::span<const ExperimentCell> cells);

// Mean of loss - reference over the seeds that both have.
struct Contrast {
  double difference = 0;
  int64_t pairs = 0;
  std::optional<double> half_interval{};  // 90 %, absent where no deviation is known
};
// Of each cell to the reference; the deviation of the paired differences is pooled over the cells.
// Absent where cell and reference have no seed in common, and for the reference itself.
[[nodiscard]] std::vector<std::optional<Contrast>> ContrastsTo(
    const ExperimentCell& reference, std::span<const ExperimentCell> cells);

// The 95 % point of Student's t, below which lie 95 of 100: 90 lie within +- it.
[[nodiscard]] double StudentT95(int64_t degrees);

}  // namespace deepthin::explorer

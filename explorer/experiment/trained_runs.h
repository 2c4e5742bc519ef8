// What the trainer left behind, as trained rows that a surrogate can be fitted to: the runs of an
// experiment's results file, or every outcome of the `train` evaluator in a store.
//
//   RunRows rows = RowsOfRuns(RunsOf(results, "twins.jsonl"));
//
// A row is a model's minus validation loss, over its seeds. Runs stand in one group only if they
// differ in nothing but model and seed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "explorer/accuracy/trained_row.h"
#include "explorer/experiment/results_file.h"
#include "explorer/experiment/summary.h"
#include "results/store.h"

namespace deepthin::explorer {

// One run of one model with one seed.
struct TrainedRun {
  std::string name;  // "twins.jsonl: 12x768"
  // What all alike have in common: "twins.jsonl: 800 steps of 8 x 256 tokens, learning rate 0.008,
  // " and a hash of all of the run but for model and seed.
  std::string group;
  // The experiment's group; in a store the first sweep that has the model, as seeds are other
  // sweeps.
  std::string table;
  ModelSpec model;
  int64_t seed = 0;
  std::optional<double> loss{};  // validation, nats per token; absent: it diverged

  friend bool operator==(const TrainedRun&, const TrainedRun&) = default;
};

// file: as people know it. Runs without an outcome, and models that cannot be trained, are not
// there; one that several groups or sweeps ask for is there for each. Throws InputError where an
// identity is none of a training run.
[[nodiscard]] std::vector<TrainedRun> RunsOf(const ExperimentResults& results,
                                             const std::string& file);
[[nodiscard]] std::vector<TrainedRun> RunsOf(results::Store& store, const std::string& file);

struct RunRows {
  // One for each model of each table of each group; the target is minus the loss.
  std::vector<TrainedRow> rows;
  // The first of a table for each model of which a run diverged: the mean of its others would
  // flatter it, so that it is no row.
  std::vector<TrainedRun> diverged;
  // Deviation of a run from what its model and its seed make, by group.
  std::vector<std::pair<std::string, Deviation>> deviations;
};

// Within a group, losses are taken for the sum of a part of the model, one of the seed (all models
// of a seed see the same batches) and an error: least squares, for any part of the runs. A row is
// the model's part plus the mean of the seeds' parts, so that a model with one seed stands beside
// those with three. Its standard error is the error's deviation over the root of its number of
// seeds; absent where no model of the group has two.
[[nodiscard]] RunRows RowsOfRuns(std::span<const TrainedRun> runs);

// Rows in a file of any kind: a results database, an experiment's results file, or as
// trained_rows_file.h says. Of runs only the rows of one group, as others are not alike: `group`,
// or, where that is empty, the largest. Throws InputError.
[[nodiscard]] std::vector<TrainedRow> ReadRowsOfAnyKind(const std::string& path,
                                                        const std::string& group);

}  // namespace deepthin::explorer

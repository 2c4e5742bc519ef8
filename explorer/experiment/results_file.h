// The outcomes of an experiment in one file of JSON lines: compact enough to be kept under version
// control, and whole enough to make the database again.
//
//   line 1    {"experiment": {...}}                      explorer/experiment/definition.h
//   others    {"sweep": "...", "point": 0, "label": "...", "identity": {...}, "started_at": "...",
//              "duration_s": 1.5, "training": {...}}     or "infeasible" for "training"
//   last      {"sample": {"sweep": "...", "point": 0, "prompt": "...", ..., "text": "..."}}
//
// Runs that failed or have not been made are not in it. The sample may be missing: it was made from
// weights, which the database has not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "explorer/experiment/definition.h"
#include "results/store.h"

namespace deepthin::explorer {

struct ExperimentRow {
  size_t sweep = 0;  // in SweepsOf(experiment)
  size_t point = 0;  // of that sweep
  results::Trial trial;

  friend bool operator==(const ExperimentRow&, const ExperimentRow&) = default;
};

// Text that the weights of one run generated; with what `deepthin generate` needs to say it again.
struct ExperimentSample {
  size_t sweep = 0;  // of a row that was trained
  size_t point = 0;
  std::string prompt;
  int64_t seed = 1;
  double temperature = 1;
  int64_t max_tokens = 0;
  std::string text;  // behind the prompt

  friend bool operator==(const ExperimentSample&, const ExperimentSample&) = default;
};

struct ExperimentResults {
  Experiment experiment;
  std::vector<ExperimentSweep> sweeps;  // SweepsOf(experiment)
  std::vector<ExperimentRow> rows;      // by sweep and point; one at most for each
  std::optional<ExperimentSample> sample{};
};

// The run of a model with the lowest validation loss, the first of equals; null where none has one.
[[nodiscard]] const ExperimentRow* BestRun(const ExperimentResults& results);
// The row of that sweep and point; null where there is none.
[[nodiscard]] const ExperimentRow* FindRun(const ExperimentResults& results, size_t sweep,
                                           size_t point);
// Absent where the run has none, or diverged.
[[nodiscard]] std::optional<double> ValidationLossOf(const ExperimentRow& row);

// What the store has of the experiment; no sample.
[[nodiscard]] ExperimentResults ResultsFromStore(const Experiment& experiment,
                                                 results::Store& store);

// Puts sweeps, points and those trials that the store has not. Doing it twice changes nothing.
void IntoStore(const ExperimentResults& results, results::Store& store);

[[nodiscard]] std::string ResultsText(const ExperimentResults& results);
// Throws InputError that names file and line.
[[nodiscard]] ExperimentResults ResultsFromText(const std::string& text, const std::string& file);

}  // namespace deepthin::explorer

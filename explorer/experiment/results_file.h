// The outcomes of an experiment in one file of JSON lines: compact enough to be kept under version
// control, and whole enough to make the database again.
//
//   line 1    {"experiment": {...}}                      explorer/experiment/definition.h
//   others    {"sweep": "...", "point": 0, "label": "...", "identity": {...}, "started_at": "...",
//              "duration_s": 1.5, "training": {...}}     or "infeasible" for "training"
//
// Runs that failed or have not been made are not in it.
#pragma once

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

struct ExperimentResults {
  Experiment experiment;
  std::vector<ExperimentSweep> sweeps;  // SweepsOf(experiment)
  std::vector<ExperimentRow> rows;      // by sweep and point; one at most for each
};

// What the store has of the experiment.
[[nodiscard]] ExperimentResults ResultsFromStore(const Experiment& experiment,
                                                 results::Store& store);

// Puts sweeps, points and those trials that the store has not. Doing it twice changes nothing.
void IntoStore(const ExperimentResults& results, results::Store& store);

[[nodiscard]] std::string ResultsText(const ExperimentResults& results);
// Throws InputError that names file and line.
[[nodiscard]] ExperimentResults ResultsFromText(const std::string& text, const std::string& file);

}  // namespace deepthin::explorer

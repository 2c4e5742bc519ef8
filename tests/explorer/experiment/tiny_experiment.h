// An experiment with made-up outcomes, so that what it shows is known.
#pragma once

#include <functional>
#include <string>

#include "explorer/experiment/results_file.h"

namespace deepthin::explorer {

// Groups: "rates" (two models, three learning rates), "depth" (table 11 of the paper, 125M, three
// seeds) and "shapes" (three random ones).
[[nodiscard]] Json TinyDefinition();
[[nodiscard]] Experiment TinyExperiment();

// A run of that model; a loss that is not finite is one that diverged.
[[nodiscard]] results::Trial TrialWith(const ExperimentSweep& sweep, size_t point, double loss);

// Every run, with the loss that the function says.
using LossOf = std::function<double(const ExperimentSweep& sweep, const results::Point& point)>;
[[nodiscard]] ExperimentResults ResultsWith(const Experiment& experiment, const LossOf& loss);

// Of the run in that row.
[[nodiscard]] ExperimentSample SampleOf(const ExperimentRow& row, const std::string& text);

}  // namespace deepthin::explorer

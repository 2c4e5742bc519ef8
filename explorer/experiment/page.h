// The page of an experiment (docs/experiment-twins.md), written from its results file alone: what
// was run, what it shows and how sure that is. Right for any part of the runs.
#pragma once

#include <string>

#include "explorer/experiment/results_file.h"

namespace deepthin::explorer {

// Markdown. command: what wrote it, for its head. Throws InputError where a table or row of the
// paper that the experiment names is not there.
[[nodiscard]] std::string ExperimentPage(const ExperimentResults& results,
                                         const std::string& command);

}  // namespace deepthin::explorer

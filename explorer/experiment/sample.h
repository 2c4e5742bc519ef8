// Text from the best run's weights, which lie in its folder, not in the database.
#pragma once

#include <optional>
#include <string>

#include "explorer/experiment/results_file.h"

namespace deepthin::explorer {

// What `deepthin generate` writes for BestRun()'s model.gguf below `runs`, which holds a folder for
// each trial (TrainingWorkplace::folder), and a fixed prompt and seed; bytes that are no UTF-8 as
// U+FFFD. Absent where no run has a loss or the best one's weights are not there. Throws InputError
// where they are damaged.
[[nodiscard]] std::optional<ExperimentSample> SampleOfBestRun(const ExperimentResults& results,
                                                              const std::string& runs);

}  // namespace deepthin::explorer

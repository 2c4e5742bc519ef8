// The sections of an experiment's page, one for each kind of group. Private to page.cc.
#pragma once

#include <span>
#include <string>

#include "explorer/experiment/summary.h"

namespace deepthin::explorer {

struct PageGroup {
  const Experiment& experiment;
  const ExperimentGroup& group;
  std::span<const ExperimentCell> cells;  // of the group
};

// Several learning rates of each model.
[[nodiscard]] std::string LearningRateSection(const PageGroup& page);
// Models that the paper has results of, or any with a reference.
[[nodiscard]] std::string ComparisonSection(const PageGroup& page);
// Random shapes.
[[nodiscard]] std::string ShapesSection(const PageGroup& page);

}  // namespace deepthin::explorer

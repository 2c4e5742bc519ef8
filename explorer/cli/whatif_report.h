// What a what-if found, for people and as JSON.
#pragma once

#include <string>
#include <vector>

#include "explorer/whatif/investigate.h"
#include "spec/json_io.h"

namespace deepthin::explorer {

// An asked what-if and its answer; models are marked A, B, ... in the order of their names.
// REQUIRES: at most 26 models.
struct WhatIfReport {
  std::vector<std::string> names;
  Question base;  // of the first model, nothing varied
  WhatIf asked;
  WhatIfResult result;
  bool all = false;  // every number and every cliff, however small
};

[[nodiscard]] std::string TextOf(const WhatIfReport& report);
[[nodiscard]] Json JsonOf(const WhatIfReport& report);

// Parts of the text.
[[nodiscard]] std::string SensitivityText(const WhatIfReport& report);
[[nodiscard]] std::string RobustText(const WhatIfReport& report);

[[nodiscard]] char ModelMark(size_t model);
[[nodiscard]] std::string MarkedName(const WhatIfReport& report, size_t model);
[[nodiscard]] std::string MetricText(Metric metric);
[[nodiscard]] std::string MillisecondsText(Seconds time);

}  // namespace deepthin::explorer

// What `deepthin measure` says of its measurements: tables for people, JSON for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/measuring/measure.h"
#include "runtime/measuring/operator_times.h"
#include "spec/json_io.h"
#include "spec/units.h"

namespace deepthin::explorer {

struct MeasuredModel {
  std::string name;  // as the user wrote it
  ModelSpec spec;
  runtime::Measured measured;
  // This host's rate for a working set as large as the bytes of a token; absent where there is no
  // memory to measure it with.
  std::optional<BytesPerSecond> stream_peak{};
};

[[nodiscard]] Json ReportJson(const MeasuredModel& model);

// REQUIRES: not empty, as below.
[[nodiscard]] std::string MeasureTable(const std::vector<MeasuredModel>& models);

// Time and bytes of a token by operator, and what repeated blocks cost.
[[nodiscard]] std::string OperatorTable(const MeasuredModel& model);

}  // namespace deepthin::explorer

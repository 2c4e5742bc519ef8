// Investigate: all that a what-if finds out, for tables and JSON to show.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "explorer/whatif/axis.h"
#include "explorer/whatif/cliffs.h"
#include "explorer/whatif/crossover.h"
#include "explorer/whatif/grid.h"
#include "explorer/whatif/question.h"
#include "explorer/whatif/robust.h"
#include "explorer/whatif/sensitivity.h"

namespace deepthin::explorer {

struct WhatIf {
  std::vector<Question> models;  // on one SoC; as they are where nothing is varied
  std::vector<Axis> axes;
  Metric metric = Metric::kDecode;  // of curves, crossovers and the robust choice
  std::vector<BoxSide> box;
  int64_t samples = 1'024;
  uint64_t seed = 1;
};

// The models under one combination of the formats that are varied; all other axes left alone.
struct Variant {
  std::string text;  // "q4_0", "q4_0, kv f16"; empty where no format is varied
  std::vector<Question> models;
};

// What belongs to one model in one variant; indices.
struct Case {
  size_t model = 0;
  size_t variant = 0;
};

struct AxisCliffs {
  size_t axis = 0;
  Case of;
  std::vector<Cliff> cliffs;
};
struct FreeRepeats {
  Case of;
  Bytes from;  // capacity of an LRU level
};
struct AxisCrossovers {
  size_t axis = 0;
  Case first;
  size_t second = 0;                   // model, in the same variant
  Faster at_first = Faster::kNeither;  // at the axis's lowest value
  std::vector<Crossover> crossovers;
};
struct Curve {
  Case of;
  std::vector<Seconds> times;  // at WhatIfResult::curve_at
};

struct WhatIfResult {
  std::vector<GridPoint> grid;
  std::vector<Variant> variants;
  std::vector<FreeRepeats> free_repeats;
  std::vector<AxisCliffs> cliffs;          // of ranges of SRAM capacity and of context
  std::vector<AxisCrossovers> crossovers;  // of axes of numbers, for each pair of models
  std::optional<size_t> curve_axis;        // the only range there is
  std::vector<double> curve_at;
  std::vector<Curve> curves;
  std::vector<std::vector<Sensitivity>> sensitivities;  // one list for each model
  std::vector<RobustModel> robust;                      // one for each model
};

inline constexpr int64_t kCurvePoints = 61;

// Throws InputError as Ask() does. REQUIRES: RequireGrid() passes; one model or more.
[[nodiscard]] WhatIfResult Investigate(const WhatIf& asked);

}  // namespace deepthin::explorer

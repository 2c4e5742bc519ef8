// What each feature of a shape does to a target among models of one budget, the others held alike:
// linear regression on the logarithms, with bootstrap intervals over the models.
//
//   target = a + sum of slope_j x feature_j + error      features: shape_features.h
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "explorer/accuracy/ranking.h"
#include "spec/model_spec.h"

namespace deepthin::explorer {

struct ShapeSlope {
  std::string_view feature;  // of kShapeFeatures
  Figure slope;              // of the target on it: on a logarithm, or of a flag's 1 against its 0
};

struct ShapeSlopes {
  std::vector<ShapeSlope> slopes;  // of those asked for that are not the same in all models
  double left = 0;  // standard deviation of what they do not explain, by the degrees left
};

// features: indices in kShapeFeatures; in one budget not all of them, as the rest decides the last.
// Absent where there are not twice as many models as slopes and the constant, or where the models
// do not tell the slopes apart. REQUIRES: a target of each model.
[[nodiscard]] std::optional<ShapeSlopes> SlopesOf(std::span<const ModelSpec> models,
                                                  std::span<const double> targets,
                                                  std::span<const size_t> features,
                                                  const BootstrapOptions& options);

}  // namespace deepthin::explorer

// The grid of a what-if: every combination of its axes' values, asked of every model.
#pragma once

#include <span>
#include <vector>

#include "explorer/whatif/axis.h"
#include "explorer/whatif/question.h"

namespace deepthin::explorer {

struct GridPoint {
  std::vector<size_t> values;   // one index into each axis's values
  std::vector<Answer> answers;  // one for each model
};

inline constexpr size_t kMostPoints = 100'000;  // of a grid, over its models

// Throws InputError at `where`: a parameter that two axes move, more than kMostPoints.
void RequireGrid(std::span<const Axis> axes, size_t models, const InputError::Where& where);

// The question with each axis at the value of this index.
[[nodiscard]] Question At(const Question& question, std::span<const Axis> axes,
                          std::span<const size_t> values);

// The last axis varies fastest; one point without axes. Throws InputError as Ask() does.
[[nodiscard]] std::vector<GridPoint> AskGrid(std::span<const Question> models,
                                             std::span<const Axis> axes);

}  // namespace deepthin::explorer

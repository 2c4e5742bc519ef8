#include "explorer/whatif/grid.h"

#include <algorithm>

namespace deepthin::explorer {
namespace {

bool Overlap(const Parameter& a, const Parameter& b) {
  if (a.knob != Knob::kHardware || b.knob != Knob::kHardware) {
    // A later format may refine an earlier one (weights=q8_0 beside embedding=f16).
    return a.knob == b.knob;
  }
  return std::any_of(a.numbers.begin(), a.numbers.end(), [&](size_t number) {
    return std::find(b.numbers.begin(), b.numbers.end(), number) != b.numbers.end();
  });
}

// Steps `values` to the next combination; false after the last one.
bool Next(std::span<const Axis> axes, std::vector<size_t>& values) {
  for (size_t i = axes.size(); i-- > 0;) {
    if (++values[i] < axes[i].values.size()) return true;
    values[i] = 0;
  }
  return false;
}

}  // namespace

void RequireGrid(std::span<const Axis> axes, size_t models, const InputError::Where& where) {
  double points = static_cast<double>(models);
  for (size_t i = 0; i < axes.size(); ++i) {
    points *= static_cast<double>(axes[i].values.size());
    for (size_t j = 0; j < i; ++j) {
      if (!Overlap(axes[i].parameter, axes[j].parameter)) continue;
      throw InputError(where,
                       "varies " + axes[i].parameter.name + " beside " + axes[j].parameter.name,
                       "each number on one axis");
    }
  }
  if (points > static_cast<double>(kMostPoints)) {
    throw InputError(where,
                     "asks for " + std::to_string(static_cast<int64_t>(std::min(points, 1e18))) +
                         " points over all models",
                     "at most " + std::to_string(kMostPoints));
  }
}

Question At(const Question& question, std::span<const Axis> axes, std::span<const size_t> values) {
  Question out = question;
  // From the coarsest parameter to the finest: a precision is refined by formats of its parts.
  std::vector<size_t> order(axes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return axes[a].parameter.knob < axes[b].parameter.knob;
  });
  for (const size_t i : order) Apply(out, axes[i].parameter, axes[i].values[values[i]]);
  return out;
}

std::vector<GridPoint> AskGrid(std::span<const Question> models, std::span<const Axis> axes) {
  std::vector<GridPoint> grid;
  std::vector<size_t> values(axes.size(), 0);
  do {
    GridPoint point = {.values = values, .answers = {}};
    for (const Question& model : models) point.answers.push_back(Ask(At(model, axes, values)));
    grid.push_back(std::move(point));
  } while (Next(axes, values));
  return grid;
}

}  // namespace deepthin::explorer

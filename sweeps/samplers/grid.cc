#include "sweeps/samplers/grid.h"

namespace deepthin::sweeps {

std::optional<Choice> GridSampler::Propose(const AxisSizes& sizes, int64_t index) const {
  Choice choice(sizes.size());
  auto rest = static_cast<size_t>(index);
  for (size_t axis = sizes.size(); axis-- > 0;) {
    choice[axis] = rest % sizes[axis];
    rest /= sizes[axis];
  }
  if (rest > 0) return std::nullopt;
  return choice;
}

}  // namespace deepthin::sweeps

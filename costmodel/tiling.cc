#include "costmodel/tiling.h"

#include <algorithm>

namespace deepthin::costmodel {
namespace {

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

Tiling ChooseTiling(const TilingProblem& problem, Bytes on_chip) {
  const int64_t capacity = on_chip.value();
  const int64_t stationary = problem.stationary.value();
  const int64_t row =
      CeilDiv((problem.activations_in + problem.activations_out).value(), problem.rows);

  const int64_t tile_rows =
      row == 0 ? problem.rows : std::clamp<int64_t>(capacity / row, 1, problem.rows);
  const Tiling resident{.stationary_passes = CeilDiv(problem.rows, tile_rows)};
  if (capacity <= row) return resident;
  const Tiling stationary_flow{.activation_passes =
                                   std::max<int64_t>(1, CeilDiv(stationary, capacity - row))};

  // Beyond what either moves once. In double: the dataflow that loses may overflow an integer.
  const double extra_weights =
      static_cast<double>(resident.stationary_passes - 1) * static_cast<double>(stationary);
  const double extra_rows = static_cast<double>(stationary_flow.activation_passes - 1) *
                            static_cast<double>(problem.activations_in.value());
  return extra_rows <= extra_weights ? stationary_flow : resident;
}

}  // namespace deepthin::costmodel

#include "runtime/trainer/parametrisation.h"

#include <cmath>

#include "runtime/thread_pool.h"
#include "runtime/trainer/tensor.h"

namespace deepthin::runtime {
namespace {

// d_ff of the base shape: SwiGLU's usual share of its width.
constexpr double kBaseFfnWidth = kBaseWidth * 8.0 / 3.0;

// The factors of the paper's table, m_N and m_L.
struct Multiples {
  double width;
  double depth;
};

// A matrix in a block, multiplied with inputs that are `fan_in` times the base's.
TensorScales BlockMatrix(const Multiples& m, double fan_in) {
  return {.initial = 1, .rate = 1 / fan_in, .epsilon = 1 / (m.width * m.depth)};
}

// One whose output goes into the residual stream, times 1 / m_L: folded in, so that its gradient
// grows by m_L, and epsilon with it.
TensorScales ResidualMatrix(const Multiples& m, double fan_in) {
  return {.initial = 1 / m.depth, .rate = 1 / (fan_in * m.depth), .epsilon = 1 / m.width};
}

void AppendBlock(const ModelSpec& spec, const Multiples& m, std::vector<TensorScales>& out) {
  const double heads = static_cast<double>(QueryDim(spec)) / kBaseWidth;
  const double hidden = static_cast<double>(spec.d_ff) / kBaseFfnWidth;
  const TensorScales norm = {.initial = 1, .rate = 1, .epsilon = 1 / (m.width * m.depth)};
  out.push_back(norm);
  out.push_back(BlockMatrix(m, m.width));  // qkv
  out.push_back(ResidualMatrix(m, heads));
  out.push_back(norm);
  out.push_back(BlockMatrix(m, m.width));  // gate and up
  out.push_back(ResidualMatrix(m, hidden));
}

}  // namespace

std::vector<TensorScales> ScalesOf(const ModelSpec& spec, Parametrisation chosen) {
  const ParameterLayout layout = LayOutParameters(spec);
  if (chosen == Parametrisation::kStandard) return std::vector<TensorScales>(layout.tensors.size());
  const Multiples m = {static_cast<double>(spec.d_model) / kBaseWidth,
                       static_cast<double>(ExecutedBlocks(spec)) / kBaseDepth};
  // RandomWeights' table has a deviation of 1 / sqrt(d_model); here it is the base's at any width.
  const TensorScales table = {.initial = std::sqrt(m.width), .rate = 1, .epsilon = 1 / m.width};
  std::vector<TensorScales> out = {table};
  for (int64_t b = 0; b < spec.n_blocks; ++b) AppendBlock(spec, m, out);
  // The logits times 1 / m_N: folded in before the head, which may be the embedding as well.
  out.push_back({.initial = 1 / m.width, .rate = 1 / m.width, .epsilon = 1});
  if (!spec.tie_embeddings) out.push_back(table);
  DEEPTHIN_CHECK(out.size() == layout.tensors.size());
  return out;
}

Weights InitialWeights(const ModelSpec& spec, Parametrisation chosen, uint64_t seed,
                       ThreadPool& pool) {
  Weights random = RandomWeights(spec, seed, pool);
  if (chosen == Parametrisation::kStandard) return random;
  const ParameterLayout layout = LayOutParameters(spec);
  Tensor<float> parameters(1, layout.count, "the weights that a run begins with");
  ReadWeights(random, layout, parameters.values());
  const std::vector<TensorScales> scales = ScalesOf(spec, chosen);
  for (size_t i = 0; i < scales.size(); ++i) {
    const auto factor = static_cast<float>(scales[i].initial);
    const ParameterPlace& place = layout.tensors[i].place;
    for (int64_t j = place.offset; j < place.end(); ++j) parameters.data()[j] *= factor;
  }
  return WeightsFromParameters(spec, parameters.values());
}

}  // namespace deepthin::runtime

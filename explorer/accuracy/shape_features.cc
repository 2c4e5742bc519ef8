#include "explorer/accuracy/shape_features.h"

#include <cmath>

namespace deepthin::explorer {
namespace {

double LogRatio(int64_t a, int64_t b) {
  return std::log(static_cast<double>(a)) - std::log(static_cast<double>(b));
}

}  // namespace

ShapeFeatures FeaturesOf(const ModelSpec& spec) {
  return {LogRatio(CountParams(spec).blocks, 1),
          LogRatio(spec.n_blocks, 1),
          LogRatio(ExecutedBlocks(spec), spec.n_blocks),
          LogRatio(spec.d_model, 1),
          LogRatio(spec.d_ff, spec.d_model),
          LogRatio(spec.head_dim, 1),
          LogRatio(QueryDim(spec), spec.d_model),
          LogRatio(spec.n_kv_heads, spec.n_heads),
          spec.ffn == Ffn::kSwiglu ? 1.0 : 0.0,
          spec.tie_embeddings ? 1.0 : 0.0};
}

}  // namespace deepthin::explorer

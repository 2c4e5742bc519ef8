#include "runtime/trainer/parameters.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "spec/json_io.h"
#include "tests/runtime/test_models.h"
#include "tests/runtime/trainer/training_models.h"

namespace deepthin::runtime {
namespace {

bool SameMatrix(const WeightMatrix& a, const WeightMatrix& b) {
  return a.rows == b.rows && a.cols == b.cols && std::ranges::equal(F32Values(a), F32Values(b));
}

// 100 models.
RC_GTEST_PROP(ParameterLayoutProperty, HoldsEveryParameterOnce, ()) {
  const ModelSpec spec = DrawTrainableSpec();
  RC_LOG() << ToJson(spec).dump() << "\n";
  const ParameterLayout layout = LayOutParameters(spec);
  RC_ASSERT(layout.count == CountParams(spec).total());
  int64_t end = 0;
  int64_t decaying = 0;
  std::set<std::string> names;
  for (const NamedPlace& tensor : layout.tensors) {
    RC_ASSERT(tensor.place.offset == end);
    end = tensor.place.end();
    if (tensor.decays) decaying += tensor.place.size();
    RC_ASSERT(names.insert(tensor.name).second);
  }
  RC_ASSERT(end == layout.count);
  RC_ASSERT(decaying == CountParams(spec).matrices());
}

RC_GTEST_PROP(ParameterLayoutProperty, WeightsComeBackAsTheyWere, ()) {
  const ModelSpec spec = DrawTrainableSpec();
  const Weights before = SmallWeights(spec, 3);
  std::vector<float> parameters(static_cast<size_t>(LayOutParameters(spec).count));
  ReadWeights<float>(before, LayOutParameters(spec), parameters);
  const Weights after = WeightsFromParameters(spec, parameters);
  RC_ASSERT(after.spec == spec);
  RC_ASSERT(SameMatrix(after.embedding, before.embedding));
  RC_ASSERT(SameMatrix(after.head, before.head));
  RC_ASSERT((after.head.data == after.embedding.data) == spec.tie_embeddings);
  RC_ASSERT(std::ranges::equal(after.final_norm, before.final_norm));
  RC_ASSERT(after.blocks.size() == before.blocks.size());
  for (size_t b = 0; b < after.blocks.size(); ++b) {
    RC_ASSERT(std::ranges::equal(after.blocks[b].attn_norm, before.blocks[b].attn_norm));
    RC_ASSERT(std::ranges::equal(after.blocks[b].ffn_norm, before.blocks[b].ffn_norm));
    for (const auto matrix : kBlockMatrices) {
      RC_ASSERT(SameMatrix(after.blocks[b].*matrix, before.blocks[b].*matrix));
    }
  }
}

}  // namespace
}  // namespace deepthin::runtime

#include "explorer/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "costmodel/batch_estimate.h"
#include "costmodel/pass_traffic.h"

namespace deepthin::explorer {
namespace {

constexpr int64_t kMostBlocks = 96;
constexpr int64_t kWidest = 2'048;
constexpr int64_t kFfnStep = 64;
constexpr int64_t kMostFfnRatio = 8;

// The multiple of kFfnStep that brings the model nearest to the budget.
int64_t NearestFfn(const ModelSpec& model, int64_t params) {
  ModelSpec without = model;
  without.d_ff = 0;
  const auto left = static_cast<double>(params - CountParams(without).matrices());
  const auto each = static_cast<double>(FfnMatrices(model.ffn) * model.d_model * model.n_blocks);
  return kFfnStep * std::llround(left / each / static_cast<double>(kFfnStep));
}

}  // namespace

std::vector<ModelSpec> ShapesWithin(const ShapeSpace& space) {
  constexpr std::array kKinds = {RepeatKind::kNone, RepeatKind::kImmediate, RepeatKind::kRepeatAll,
                                 RepeatKind::kReverse};
  std::vector<ModelSpec> shapes;
  const auto add = [&](ModelSpec model) {
    model.d_ff = NearestFfn(model, space.params);
    if (model.d_ff < model.d_model || model.d_ff > kMostFfnRatio * model.d_model) return;
    const auto off = static_cast<double>(CountParams(model).matrices() - space.params);
    if (std::abs(off) > space.tolerance * static_cast<double>(space.params)) return;
    for (const RepeatKind kind : kKinds) {
      model.repeat.kind = kind;
      model.repeat.times = kind == RepeatKind::kNone ? 1 : 2;
      shapes.push_back(model);
    }
  };
  ModelSpec model;
  model.vocab_size = space.vocab_size;
  model.head_dim = space.head_dim;
  model.max_seq_len = space.max_seq_len;
  for (model.n_heads = 1; model.n_heads * model.head_dim <= kWidest; ++model.n_heads) {
    model.d_model = model.n_heads * model.head_dim;
    for (model.n_kv_heads = 1; model.n_kv_heads <= model.n_heads; ++model.n_kv_heads) {
      if (model.n_heads % model.n_kv_heads != 0) continue;
      for (const bool tied : {true, false}) {
        model.tie_embeddings = tied;
        for (model.n_blocks = 1; model.n_blocks <= kMostBlocks; ++model.n_blocks) add(model);
      }
    }
  }
  return shapes;
}

ShapeFront DeepestForTheirTime(const std::vector<ModelSpec>& models, const Precision& precision,
                               const SocSpec& soc, const Workload& workload,
                               const ShapeLimits& limits) {
  costmodel::Designs designs;
  designs.Reserve(models.size());
  for (const ModelSpec& model : models) designs.Add(model, precision, workload);
  const costmodel::BatchCosts costs = costmodel::EstimateBatch(soc, designs);
  const Bytes memory = limits.memory.value_or(soc.levels[costmodel::DramLevel(soc)].capacity.value);

  std::vector<size_t> order;
  for (size_t i = 0; i < models.size(); ++i) {
    if (costs.peak_memory[i] > memory) continue;
    if (limits.decode && costs.decode_time[i] > *limits.decode) continue;
    if (limits.prefill && costs.prefill_time[i] > *limits.prefill) continue;
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tuple(costs.decode_time[a], -ExecutedBlocks(models[a]), costs.prefill_time[a]) <
           std::tuple(costs.decode_time[b], -ExecutedBlocks(models[b]), costs.prefill_time[b]);
  });
  ShapeFront front{.front = {}, .within = static_cast<int64_t>(order.size())};
  int64_t deepest = 0;
  for (const size_t i : order) {
    if (ExecutedBlocks(models[i]) <= deepest) continue;
    deepest = ExecutedBlocks(models[i]);
    front.front.push_back({.model = models[i],
                           .decode = costs.decode_time[i],
                           .prefill = costs.prefill_time[i],
                           .dram_per_token = costs.decode_dram_bytes[i],
                           .peak_memory = costs.peak_memory[i]});
  }
  return front;
}

}  // namespace deepthin::explorer

#include "costmodel/closed_form.h"

#include <algorithm>
#include <vector>

#include "costmodel/estimator.h"

namespace deepthin::costmodel {
namespace {

// Operators outside the blocks (embed, final norm, head) and in each.
constexpr int64_t kOpsOutside = 3;
constexpr int64_t kOpsPerBlock = 9;

RooflineBound Bound(const Problem& problem, int64_t new_tokens, int64_t context, Bytes dram_read) {
  const SocSpec& soc = problem.soc;
  const ModelSpec& m = problem.model;
  const int64_t batch = problem.workload.batch;
  const int64_t executed = ExecutedBlocks(m);
  const ParamCounts params = CountParams(m);
  const int64_t block_params = params.blocks / m.n_blocks;
  const int64_t positions = new_tokens * context + new_tokens * (new_tokens + 1) / 2;

  RooflineBound bound;
  bound.dram_read = std::max(Bytes(0), dram_read);
  bound.macs = Macs(batch * (new_tokens * executed * block_params + params.embedding +
                             2 * executed * QueryDim(m) * positions));
  for (const MemoryLevel& level : soc.levels) {
    if (level.kind == LevelKind::kDram) bound.memory = bound.dram_read / level.read_bandwidth.value;
  }
  MacsPerSecond fastest;
  for (const ComputeRate& rate : soc.compute) fastest = std::max(fastest, rate.peak.value);
  if (soc.attention) fastest = std::max(fastest, soc.attention->peak.value);
  bound.compute = bound.macs / fastest;
  bound.fixed =
      static_cast<double>(kOpsOutside + kOpsPerBlock * executed) * soc.fixed.per_operator.value +
      static_cast<double>(executed) * soc.fixed.per_executed_block.value +
      soc.fixed.per_token.value;
  return bound;
}

int64_t CountDistinct(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  return std::unique(values.begin(), values.end()) - values.begin();
}

// Bytes of the weights that a pass has to read at least once: all but an untied token table.
Bytes StreamedWeights(const Problem& problem) {
  const WeightBytes weights = CountWeightBytes(problem.model, problem.precision);
  return weights.block * CountDistinct(ExecutionOrder(problem.model)) + weights.final_norm +
         weights.embedding;
}

Bytes OnChip(const SocSpec& soc) {
  Bytes largest(0);
  for (const MemoryLevel& level : soc.levels) {
    if (level.kind == LevelKind::kSram) largest = std::max(largest, level.capacity.value);
  }
  return largest;
}

}  // namespace

RooflineBound DecodeBound(const Problem& problem) {
  const int64_t context = MeanDecodeContext(problem.workload);
  const Bytes kv = StorageBytes(problem.precision.kv, 2 * problem.workload.batch * context,
                                KvDim(problem.model)) *
                   CountDistinct(KvEntries(problem.model));
  return Bound(problem, 1, context, StreamedWeights(problem) + kv - OnChip(problem.soc));
}

RooflineBound PrefillBound(const Problem& problem) {
  return Bound(problem, problem.workload.prompt_tokens, 0, StreamedWeights(problem));
}

}  // namespace deepthin::costmodel

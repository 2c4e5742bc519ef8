#include "costmodel/estimator.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "costmodel/pass_estimator.h"
#include "costmodel/pass_traffic.h"
#include "spec/errors.h"

namespace deepthin::costmodel {
namespace {

// Bytes per element, rounded up, of the formats that matrices can be multiplied in directly.
std::optional<int> FloatWidth(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return 4;
    case Dtype::kF16:
    case Dtype::kBf16:
      return 2;
    default:
      return std::nullopt;
  }
}

// With so many tokens for each weight: docs/cost-model.md, "Time".
template <class Rate>
MacsPerSecond RateWith(const Rate& rate, int64_t tokens) {
  if (!rate.one_token) return rate.peak.value;
  return std::min(rate.peak.value, static_cast<double>(tokens) * rate.one_token->value);
}

std::string StatedDtypes(const SocSpec& soc) {
  std::string names;
  for (const ComputeRate& rate : soc.compute) {
    if (!names.empty()) names += ", ";
    names += ToText(rate.dtype);
  }
  return names;
}

}  // namespace

void RequireCountable(const ModelSpec& m, const Workload& workload) {
  const auto tokens =
      static_cast<double>(workload.prompt_tokens) + static_cast<double>(workload.generated_tokens);
  const double rows = tokens * static_cast<double>(workload.batch);
  const auto executed = static_cast<double>(ExecutedBlocks(m));
  const ParamCounts params = CountParams(m);
  const double block_params = static_cast<double>(params.blocks) / static_cast<double>(m.n_blocks);
  const double table = static_cast<double>(m.vocab_size) * static_cast<double>(m.d_model);
  // 34 bytes an element cover every format: one group of Q8_0 that holds a single column.
  const double widths =
      static_cast<double>(2 * QueryDim(m) + 4 * KvDim(m) + 8 * m.d_model + 5 * m.d_ff);
  const double kv = executed * static_cast<double>(2 * KvDim(m));
  const double attention = 2 * executed * rows * tokens * static_cast<double>(QueryDim(m));
  const double products = rows * (executed * (block_params + widths) + 2 * table);
  const double largest = 34 * (attention + products + kv * rows * tokens);
  constexpr double kLimit = 0x1p62;
  if (largest < kLimit) return;
  throw InputError({"", "/workload"}, "moves or multiplies too much for this model to be counted",
                   "fewer tokens or a smaller batch, so that counts stay below 2^62");
}

const ComputeRate& RateFor(const SocSpec& soc, Dtype dtype) {
  for (const ComputeRate& rate : soc.compute) {
    if (rate.dtype == dtype) return rate;
  }
  const int width = FloatWidth(dtype).value_or(0);
  const ComputeRate* fastest = nullptr;
  for (const ComputeRate& rate : soc.compute) {
    const std::optional<int> stated = FloatWidth(rate.dtype);
    if (!stated || *stated < width) continue;
    if (fastest == nullptr || rate.peak.value > fastest->peak.value) fastest = &rate;
  }
  if (fastest != nullptr) return *fastest;
  throw InputError({"", "/soc/compute"},
                   "has no rate at which " + std::string(ToText(dtype)) + " can be multiplied",
                   "a rate for it or for a float as wide, beside those for " + StatedDtypes(soc));
}

Seconds ComputeTime(const SocSpec& soc, const Op& op, const Pass& pass) {
  if (op.macs == Macs(0)) {
    if (!soc.elementwise) return Seconds(0);
    return (op.activations_in + op.activations_out) / soc.elementwise->value;
  }
  if (op.kind != OpKind::kAttention) {
    const ComputeRate& rate = RateFor(soc, op.matrix_dtype);
    if (op.rows == 1 || !rate.unpack) return op.macs / RateWith(rate, op.rows);
    return op.macs / rate.peak.value + op.weights / rate.unpack->value;
  }
  const int64_t tokens = pass.new_tokens;  // each sequence has keys of its own
  if (!soc.attention) return op.macs / RateWith(RateFor(soc, op.matrix_dtype), tokens);
  const AttentionRate& rate = *soc.attention;
  if (!rate.kv_unpack) return op.macs / RateWith(rate, tokens);
  const bool is_alone = tokens == 1 && rate.one_token;
  return op.macs / (is_alone ? rate.one_token->value : rate.peak.value) +
         op.kv_read / rate.kv_unpack->value;
}

Seconds OverlappedTime(const SocSpec& soc, const Op& op, Seconds compute, Seconds transfer) {
  const Seconds longer = std::max(compute, transfer);
  const bool is_attention = op.kind == OpKind::kAttention;
  if (op.macs == Macs(0) || (is_attention && !soc.attention)) return longer;
  const auto& exposed =
      is_attention ? soc.attention->exposed : RateFor(soc, op.matrix_dtype).exposed;
  return exposed ? longer + std::min(compute, transfer) * exposed->value.value() : longer;
}

int64_t MeanDecodeContext(const Workload& workload) {
  return workload.prompt_tokens + workload.generated_tokens / 2;
}

Pass PrefillPass(const Workload& workload) {
  return {.new_tokens = workload.prompt_tokens, .context_tokens = 0, .batch = workload.batch};
}

Pass DecodePass(const Workload& workload) {
  return {.new_tokens = 1, .context_tokens = MeanDecodeContext(workload), .batch = workload.batch};
}

Bytes PeakMemory(const Problem& problem, int64_t tokens, const PassEstimate& prefill,
                 const PassEstimate& decode) {
  return CountWeightBytes(problem.model, problem.precision).total() +
         KvBytesPerToken(problem.model, problem.precision) * (tokens * problem.workload.batch) +
         std::max(prefill.largest_activations, decode.largest_activations);
}

CostEstimate Estimate(const Problem& problem) {
  Validate(problem);
  RequireCountable(problem);
  const Workload& work = problem.workload;
  PassEstimate prefill = EstimatePass(problem, PrefillPass(work));
  PassEstimate decode = EstimatePass(problem, DecodePass(work));
  CostEstimate cost;
  cost.model_name = std::string(kModelName);
  cost.model_version = std::string(kModelVersion);
  cost.prefill = std::move(prefill.cost);
  cost.decode = std::move(decode.cost);
  cost.weight_bytes = CountWeightBytes(problem.model, problem.precision).total();
  cost.peak_memory =
      PeakMemory(problem, work.prompt_tokens + work.generated_tokens, prefill, decode);
  cost.fits_memory = cost.peak_memory <= problem.soc.levels[DramLevel(problem.soc)].capacity.value;
  return cost;
}

}  // namespace deepthin::costmodel

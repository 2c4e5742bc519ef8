#include "costmodel/estimator.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "costmodel/op_list.h"
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

std::string StatedDtypes(const SocSpec& soc) {
  std::string names;
  for (const ComputeRate& rate : soc.compute) {
    if (!names.empty()) names += ", ";
    names += ToText(rate.dtype);
  }
  return names;
}

// What takes the time of an operator: the levels by index, then compute, then fixed costs.
class LimitTimes {
 public:
  explicit LimitTimes(const SocSpec& soc) : soc_(&soc), times_(soc.levels.size() + 2) {}

  void AddLevel(size_t level, Seconds time) { times_[level] += time; }
  void AddCompute(Seconds time) { times_[times_.size() - 2] += time; }
  void AddFixed(Seconds time) { times_.back() += time; }
  LimitTimes& operator+=(const LimitTimes& other) {
    for (size_t i = 0; i < times_.size(); ++i) times_[i] += other.times_[i];
    return *this;
  }

  // "fixed" where nothing takes any time.
  [[nodiscard]] std::string Largest() const {
    size_t largest = times_.size() - 1;
    for (size_t i = 0; i < times_.size(); ++i) {
      if (times_[i] > times_[largest]) largest = i;
    }
    if (largest < soc_->levels.size()) return soc_->levels[largest].name;
    return largest == soc_->levels.size() ? "compute" : "fixed";
  }

 private:
  const SocSpec* soc_;
  std::vector<Seconds> times_;
};

// Sums over all executions of one kind of operator.
struct KindSum {
  OperatorCost cost;
  LimitTimes limits;
};

class PassEstimator {
 public:
  PassEstimator(const Problem& problem, const Pass& pass)
      : soc_(problem.soc),
        list_(BuildOpList(problem.model, problem.precision, pass)),
        traffic_(TrafficOf(list_, soc_)),
        executed_blocks_(ExecutedBlocks(problem.model)) {
    for (const auto& [kind, text] : EnumTexts<OpKind>::kList) sums_.push_back(EmptySum(text));
  }

  PhaseCost Run() {
    for (size_t i = 0; i < list_.ops.size(); ++i) AddOp(i);
    AddFixed(kPerExecutedBlockName, executed_blocks_, soc_.fixed.per_executed_block.value);
    AddFixed(kPerTokenName, 1, soc_.fixed.per_token.value);

    PhaseCost phase;
    phase.context_tokens = list_.pass.context_tokens;
    LimitTimes limits(soc_);
    const size_t dram = DramLevel(soc_);
    for (KindSum& sum : sums_) {
      FinishTraffic(sum.cost);
      sum.cost.limited_by = sum.limits.Largest();
      limits += sum.limits;
      phase.time += sum.cost.time;
      phase.macs += sum.cost.macs;
      const LevelTraffic& at_dram = sum.cost.traffic[dram];
      phase.dram_bytes += at_dram.read + at_dram.written;
      for (const LevelTraffic& level : sum.cost.traffic) AddEnergy(level);
      phase.operators.push_back(std::move(sum.cost));
    }
    phase.limited_by = limits.Largest();
    phase.energy = energy_;
    return phase;
  }

  [[nodiscard]] Bytes LargestActivations() const {
    Bytes largest(0);
    for (const Op& op : list_.ops) largest = std::max(largest, op.live_activations);
    return largest;
  }

 private:
  [[nodiscard]] KindSum EmptySum(std::string_view name) const {
    KindSum sum{.cost = {}, .limits = LimitTimes(soc_)};
    sum.cost.name = name;
    for (const MemoryLevel& level : soc_.levels) {
      sum.cost.traffic.push_back(
          {.level = level.name, .read = {}, .written = {}, .time = {}, .energy = {}});
    }
    return sum;
  }

  [[nodiscard]] Seconds TransferTime(size_t level, Bytes read, Bytes written) const {
    return read / soc_.levels[level].read_bandwidth.value +
           written / soc_.levels[level].write_bandwidth.value;
  }

  // max(compute, each level's transfer) + fixed: docs/cost-model.md, "Time".
  void AddOp(size_t i) {
    const Op& op = list_.ops[i];
    KindSum& sum = sums_[static_cast<size_t>(op.kind)];
    Seconds compute(0);
    if (op.macs > Macs(0)) {
      const ComputeRate& rate = RateFor(soc_, op.matrix_dtype);
      compute = op.macs / rate.peak.value;
      if (!rate.energy) {
        energy_.reset();
      } else if (energy_) {
        *energy_ += op.macs * rate.energy->value;
      }
    }
    Seconds longest = compute;
    std::optional<size_t> longest_level;
    for (size_t level = 0; level < traffic_.levels(); ++level) {
      const Bytes read = traffic_.read(i, level);
      const Bytes written = traffic_.written(i, level);
      sum.cost.traffic[level].read += read;
      sum.cost.traffic[level].written += written;
      const Seconds time = TransferTime(level, read, written);
      if (time > longest) {
        longest = time;
        longest_level = level;
      }
    }
    if (longest_level) {
      sum.limits.AddLevel(*longest_level, longest);
    } else {
      sum.limits.AddCompute(compute);
    }
    const Seconds fixed = soc_.fixed.per_operator.value;
    sum.limits.AddFixed(fixed);
    ++sum.cost.executions;
    sum.cost.macs += op.macs;
    sum.cost.compute_time += compute;
    sum.cost.fixed_time += fixed;
    sum.cost.time += longest + fixed;
  }

  void AddFixed(std::string_view name, int64_t executions, Seconds each) {
    KindSum sum = EmptySum(name);
    sum.cost.executions = executions;
    sum.cost.fixed_time = sum.cost.time = static_cast<double>(executions) * each;
    sum.limits.AddFixed(sum.cost.time);
    sums_.push_back(std::move(sum));
  }

  void FinishTraffic(OperatorCost& cost) const {
    for (size_t i = 0; i < cost.traffic.size(); ++i) {
      LevelTraffic& t = cost.traffic[i];
      const MemoryLevel& level = soc_.levels[i];
      t.time = TransferTime(i, t.read, t.written);
      if (level.read_energy && level.write_energy) {
        t.energy = t.read * level.read_energy->value + t.written * level.write_energy->value;
      }
    }
  }

  // The phase has an energy only where every part of it has one: a partial sum would mislead.
  void AddEnergy(const LevelTraffic& level) {
    if (level.read == Bytes(0) && level.written == Bytes(0)) return;
    if (!level.energy) {
      energy_.reset();
    } else if (energy_) {
      *energy_ += *level.energy;
    }
  }

  const SocSpec& soc_;
  OpList list_;
  PassTraffic traffic_;
  int64_t executed_blocks_;
  std::vector<KindSum> sums_;  // by OpKind, then the fixed costs
  std::optional<Joules> energy_ = Joules(0);
};

// No count may leave 64 bits: bounds the largest sums, in double, before anything is counted.
void RequireCountable(const Problem& problem) {
  const ModelSpec& m = problem.model;
  const auto tokens = static_cast<double>(problem.workload.prompt_tokens) +
                      static_cast<double>(problem.workload.generated_tokens);
  const double rows = tokens * static_cast<double>(problem.workload.batch);
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

}  // namespace

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

int64_t MeanDecodeContext(const Workload& workload) {
  return workload.prompt_tokens + workload.generated_tokens / 2;
}

CostEstimate Estimate(const Problem& problem) {
  Validate(problem);
  RequireCountable(problem);
  const Workload& work = problem.workload;
  PassEstimator prefill(
      problem, {.new_tokens = work.prompt_tokens, .context_tokens = 0, .batch = work.batch});
  PassEstimator decode(
      problem, {.new_tokens = 1, .context_tokens = MeanDecodeContext(work), .batch = work.batch});
  CostEstimate cost;
  cost.model_name = kModelName;
  cost.model_version = kModelVersion;
  cost.prefill = prefill.Run();
  cost.decode = decode.Run();
  cost.weight_bytes = CountWeightBytes(problem.model, problem.precision).total();
  const Bytes kv_at_end = KvBytesPerToken(problem.model, problem.precision) *
                          ((work.prompt_tokens + work.generated_tokens) * work.batch);
  cost.peak_memory = cost.weight_bytes + kv_at_end +
                     std::max(prefill.LargestActivations(), decode.LargestActivations());
  cost.fits_memory = cost.peak_memory <= problem.soc.levels[DramLevel(problem.soc)].capacity.value;
  return cost;
}

}  // namespace deepthin::costmodel

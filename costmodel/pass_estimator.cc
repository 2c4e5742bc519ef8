#include "costmodel/pass_estimator.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "costmodel/estimator.h"
#include "costmodel/pass_traffic.h"

namespace deepthin::costmodel {
namespace {

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

  PassEstimate Run() {
    for (size_t i = 0; i < list_.ops.size(); ++i) AddOp(i);
    AddFixed(kPerExecutedBlockName, executed_blocks_, soc_.fixed.per_executed_block.value);
    AddFixed(kPerTokenName, 1, soc_.fixed.per_token.value);

    PhaseCost phase;
    phase.context_tokens = list_.pass.context_tokens;
    LimitTimes limits(soc_);
    const size_t dram = DramLevel(soc_);
    for (KindSum& sum : sums_) {
      for (size_t i = 0; i < sum.cost.traffic.size(); ++i) {
        Price(soc_.levels[i], sum.cost.traffic[i]);
      }
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
    return {.cost = std::move(phase),
            .largest_activations = LargestActivations(),
            .regime = std::move(regime_)};
  }

 private:
  [[nodiscard]] Bytes LargestActivations() const {
    Bytes largest(0);
    for (const Op& op : list_.ops) largest = std::max(largest, op.live_activations);
    return largest;
  }
  [[nodiscard]] KindSum EmptySum(std::string_view name) const {
    KindSum sum{.cost = {}, .limits = LimitTimes(soc_)};
    sum.cost.name = name;
    for (const MemoryLevel& level : soc_.levels) {
      sum.cost.traffic.push_back(
          {.level = level.name, .read = {}, .written = {}, .time = {}, .energy = {}});
    }
    return sum;
  }

  // Compute and the longest transfer, overlapped, + fixed: docs/cost-model.md, "Time".
  void AddOp(size_t i) {
    const Op& op = list_.ops[i];
    KindSum& sum = sums_[static_cast<size_t>(op.kind)];
    const Seconds compute = ComputeTime(soc_, op, list_.pass);
    if (op.macs > Macs(0)) {
      const ComputeRate& rate = RateFor(soc_, op.matrix_dtype);
      if (!rate.energy) {
        energy_.reset();
      } else if (energy_) {
        *energy_ += op.macs * rate.energy->value;
      }
    }
    Seconds transfer(0);
    size_t longest_level = 0;
    for (size_t level = 0; level < traffic_.levels(); ++level) {
      const Bytes read = traffic_.read(i, level);
      const Bytes written = traffic_.written(i, level);
      sum.cost.traffic[level].read += read;
      sum.cost.traffic[level].written += written;
      regime_.push_back((read > Bytes(0) ? 1 : 0) + (written > Bytes(0) ? 2 : 0));
      const Seconds time = TransferTime(soc_.levels[level], read, written);
      if (time > transfer) {
        transfer = time;
        longest_level = level;
      }
    }
    regime_.push_back(static_cast<int64_t>(longest_level));
    regime_.push_back(transfer > compute ? 1 : 0);
    regime_.push_back(traffic_.tiling(i).stationary_passes);
    regime_.push_back(traffic_.tiling(i).activation_passes);
    const Seconds time = OverlappedTime(soc_, op, compute, transfer);
    if (transfer > compute) {
      sum.limits.AddLevel(longest_level, time);
    } else {
      sum.limits.AddCompute(time);
    }
    const Seconds fixed = soc_.fixed.per_operator.value;
    sum.limits.AddFixed(fixed);
    ++sum.cost.executions;
    sum.cost.macs += op.macs;
    sum.cost.compute_time += compute;
    sum.cost.fixed_time += fixed;
    sum.cost.time += time + fixed;
  }

  void AddFixed(std::string_view name, int64_t executions, Seconds each) {
    KindSum sum = EmptySum(name);
    sum.cost.executions = executions;
    sum.cost.fixed_time = sum.cost.time = static_cast<double>(executions) * each;
    sum.limits.AddFixed(sum.cost.time);
    sums_.push_back(std::move(sum));
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
  std::vector<int64_t> regime_;
  std::optional<Joules> energy_ = Joules(0);
};

}  // namespace

PassEstimate EstimatePass(const Problem& problem, const Pass& pass) {
  return PassEstimator(problem, pass).Run();
}

}  // namespace deepthin::costmodel

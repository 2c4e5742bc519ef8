#include "costmodel/pass_traffic.h"

#include <algorithm>

#include "costmodel/residency.h"
#include "costmodel/tiling.h"
#include "spec/errors.h"

namespace deepthin::costmodel {
namespace {

OperandClass WeightClass(OpKind kind) {
  if (kind == OpKind::kEmbed) return OperandClass::kEmbedding;
  return kind == OpKind::kHead ? OperandClass::kHead : OperandClass::kWeights;
}

class TrafficBuilder {
 public:
  TrafficBuilder(const OpList& list, const SocSpec& soc)
      : list_(list), dram_(DramLevel(soc)), traffic_(list.ops.size(), soc.levels.size()) {
    for (size_t i = 0; i < dram_; ++i) {
      on_chip_.push_back({soc.levels[i].capacity.value, soc.levels[i].replacement});
      largest_ = std::max(largest_, soc.levels[i].capacity.value);
    }
  }

  PassTraffic Build() {
    for (size_t i = 0; i < list_.ops.size(); ++i) AddActivations(i);
    AddWeightsAndKv();
    return std::move(traffic_);
  }

 private:
  // All of a block's operators share the fate of the largest: buffers are handed from one to the
  // next.
  [[nodiscard]] Bytes Held(const Op& op) const {
    const bool in_block =
        op.kind != OpKind::kEmbed && op.kind != OpKind::kFinalNorm && op.kind != OpKind::kHead;
    return in_block ? list_.block_workspace : op.live_activations;
  }

  // The nearest on-chip level that holds the operator's activations, else DRAM.
  [[nodiscard]] size_t ActivationLevel(const Op& op) const {
    size_t level = 0;
    while (level < dram_ && on_chip_[level].capacity < Held(op)) ++level;
    return level;
  }

  [[nodiscard]] Tiling SpilledTiling(const Op& op) const {
    if (op.kind == OpKind::kEmbed) return {};
    if (op.kind != OpKind::kAttention) {
      return ChooseTiling({.rows = op.rows,
                           .stationary = op.weights,
                           .activations_in = op.activations_in,
                           .activations_out = op.activations_out},
                          largest_);
    }
    const int64_t batch = list_.pass.batch;  // each sequence attends to its own keys and values
    return ChooseTiling({.rows = list_.pass.new_tokens,
                         .stationary = (op.kv_new + op.kv_read) / batch,
                         .activations_in = op.activations_in / batch,
                         .activations_out = op.activations_out / batch},
                        largest_);
  }

  void AddActivations(size_t i) {
    const Op& op = list_.ops[i];
    const size_t level = ActivationLevel(op);
    const Tiling tiling = level < dram_ ? Tiling{} : SpilledTiling(op);
    traffic_.tiling(i) = tiling;
    traffic_.AddRead(i, OperandClass::kActivations, level,
                     op.activations_in * tiling.activation_passes);
    traffic_.AddRead(i, OperandClass::kKv, level, op.kv_new * tiling.stationary_passes);
    traffic_.AddWritten(i, OperandClass::kActivations, level, op.activations_out);
  }

  void AddWeightsAndKv() {
    using Operand = PassTrace::Role::Operand;
    const PassTrace pass = TraceOf(list_);
    const ServedBytes served = Serve(pass.trace, pass.start, list_.block_workspace, on_chip_);
    for (size_t a = 0; a < pass.roles.size(); ++a) {
      const auto [op, operand] = pass.roles[a];
      if (operand == Operand::kLogits) continue;  // counted with the activations
      for (size_t tier = 0; tier <= dram_; ++tier) {
        const Bytes bytes = served.at(a, tier);
        if (operand == Operand::kKvWritten) {
          traffic_.AddWritten(op, OperandClass::kKv, tier, bytes);
        } else {
          const OperandClass read =
              operand == Operand::kKvRead ? OperandClass::kKv : WeightClass(list_.ops[op].kind);
          traffic_.AddRead(op, read, tier, bytes * traffic_.tiling(op).stationary_passes);
        }
      }
    }
  }

  const OpList& list_;
  size_t dram_;
  std::vector<OnChipLevel> on_chip_;
  Bytes largest_;
  PassTraffic traffic_;
};

}  // namespace

Seconds TransferTime(const MemoryLevel& level, Bytes read, Bytes written) {
  return read / level.read_bandwidth.value + written / level.write_bandwidth.value;
}

void Price(const MemoryLevel& level, LevelTraffic& traffic) {
  traffic.time = TransferTime(level, traffic.read, traffic.written);
  if (level.read_energy && level.write_energy) {
    traffic.energy =
        traffic.read * level.read_energy->value + traffic.written * level.write_energy->value;
  }
}

size_t DramLevel(const SocSpec& soc) {
  size_t level = 0;
  while (level < soc.levels.size() && soc.levels[level].kind != LevelKind::kDram) ++level;
  DEEPTHIN_CHECK(level < soc.levels.size());
  return level;
}

PassTraffic TrafficOf(const OpList& list, const SocSpec& soc) {
  return TrafficBuilder(list, soc).Build();
}

}  // namespace deepthin::costmodel

#include "costmodel/breakdown.h"

#include <algorithm>

#include "costmodel/belady.h"
#include "costmodel/estimator.h"
#include "costmodel/op_list.h"
#include "costmodel/pass_traffic.h"
#include "costmodel/residency.h"

namespace deepthin::costmodel {
namespace {

void RequireEstimable(const Problem& problem) {
  Validate(problem);
  RequireCountable(problem);
}

std::vector<OperandCost> Operands(const Problem& problem, const Pass& pass) {
  const SocSpec& soc = problem.soc;
  const PassTraffic traffic = TrafficOf(BuildOpList(problem.model, problem.precision, pass), soc);
  std::vector<OperandCost> costs;
  for (const auto& [operand, text] : EnumTexts<OperandClass>::kList) {
    OperandCost cost{.operand = operand, .traffic = {}};
    for (size_t level = 0; level < soc.levels.size(); ++level) {
      LevelTraffic t;
      t.level = soc.levels[level].name;
      t.read = traffic.read(operand, level);
      t.written = traffic.written(operand, level);
      Price(soc.levels[level], t);
      cost.traffic.push_back(std::move(t));
    }
    costs.push_back(std::move(cost));
  }
  return costs;
}

Bytes DramBytes(const OpList& list, const SocSpec& soc) {
  const PassTraffic traffic = TrafficOf(list, soc);
  const size_t dram = DramLevel(soc);
  Bytes sum(0);
  for (size_t op = 0; op < list.ops.size(); ++op) {
    sum += traffic.read(op, dram) + traffic.written(op, dram);
  }
  return sum;
}

}  // namespace

std::vector<OperandCost> PrefillOperands(const Problem& problem) {
  RequireEstimable(problem);
  return Operands(problem, PrefillPass(problem.workload));
}

std::vector<OperandCost> DecodeOperands(const Problem& problem) {
  RequireEstimable(problem);
  return Operands(problem, DecodePass(problem.workload));
}

ReplacementBytes DecodeByReplacement(const Problem& problem) {
  RequireEstimable(problem);
  const OpList list = BuildOpList(problem.model, problem.precision, DecodePass(problem.workload));
  SocSpec soc = problem.soc;
  Bytes largest(0);
  const auto with = [&](Replacement replacement) {
    for (MemoryLevel& level : soc.levels) {
      if (level.kind != LevelKind::kSram) continue;
      level.replacement = replacement;
      largest = std::max(largest, level.capacity.value);
    }
    return DramBytes(list, soc);
  };
  ReplacementBytes bytes{
      .lru = with(Replacement::kLru), .pinned = with(Replacement::kPinned), .bound = {}};
  const PassTrace pass = TraceOf(list);
  const Bytes bound = BeladyBound(pass.trace, pass.start, largest - list.block_workspace);
  // Logits are activations: the bound takes those to stay on chip.
  bytes.bound = std::max(Bytes(0), bound - list.ops.back().activations_out);
  return bytes;
}

}  // namespace deepthin::costmodel

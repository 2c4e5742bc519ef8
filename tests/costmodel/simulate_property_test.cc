#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "costmodel/closed_form.h"
#include "costmodel/estimator.h"
#include "costmodel/pass_traffic.h"
#include "costmodel/simulate.h"
#include "costmodel/simulation_bound.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

constexpr Bytes kLine(128);

OpList AnyToken() { return BuildOpList(AnyModel(), AnyPrecision(), {1, Pick(1, 300), Pick(1, 3)}); }

Bytes AnyCapacity(int64_t smallest_power) {
  const Bytes capacity(int64_t{1} << Pick(smallest_power, 23));
  return capacity + Bytes(Pick(0, capacity.value()));
}

RC_GTEST_PROP(Simulate, ATokenMovesWhatTheClosedFormSays, ()) {
  const OpList list = AnyToken();
  const Bytes capacity = AnyCapacity(10);
  const Bytes simulated = Simulate(list, SimpleSoc(capacity), {.line = kLine}).dram_bytes();
  const SimulationBounds bounds = BoundsOfSimulation(list, capacity, kLine, 1);
  RC_ASSERT(simulated >= bounds.low);
  RC_ASSERT(simulated <= bounds.high);
}

RC_GTEST_PROP(Simulate, SetsCostNoMoreThanALineOfEachRunInEachSet, ()) {
  const OpList list = AnyToken();
  const int64_t ways = Pick(64, 1'024);
  const int64_t sets = Pick(1, 64);
  const Bytes capacity = ways * sets * kLine;
  const Bytes simulated =
      Simulate(list, SimpleSoc(capacity), {.line = kLine, .ways = ways}).dram_bytes();
  const SimulationBounds bounds = BoundsOfSimulation(list, capacity, kLine, sets);
  RC_ASSERT(simulated >= bounds.low);
  RC_ASSERT(simulated <= bounds.high);
}

RC_GTEST_PROP(Simulate, APromptMovesWhatTheClosedFormSays, ()) {
  const OpList list = BuildOpList(AnyModel(), AnyPrecision(), {Pick(1, 60), 0, Pick(1, 2)});
  const Bytes capacity = AnyCapacity(12);
  const Bytes simulated =
      Simulate(list, SimpleSoc(capacity), {.line = kLine, .warm_up = 0}).dram_bytes();
  const SimulationBounds bounds = BoundsOfSimulation(list, capacity, kLine, 1);
  // Below the workspace the closed form says that nothing stays from one operator to the next,
  // while a cache keeps what it can: then the low bound is what has to be read once.
  if (SimulatedWorkspace(list, kLine) <= capacity) RC_ASSERT(simulated >= bounds.low);
  Bytes once(0);
  for (size_t i = 0; i < list.tensor_bytes.size(); ++i) {
    const bool used = std::any_of(list.ops.begin() + 1, list.ops.end(), [&](const Op& op) {
      return op.tensor == static_cast<int64_t>(i);
    });
    if (used) once += list.tensor_bytes[i];
  }
  RC_ASSERT(simulated >= once);
  RC_ASSERT(simulated <= bounds.high);
}

RC_GTEST_PROP(Simulate, OperatorsSumToThePass, ()) {
  Problem problem = AnyProblem();
  const OpList list = BuildOpList(problem.model, problem.precision,
                                  {1, problem.workload.prompt_tokens, problem.workload.batch});
  const SimulatedPass pass = Simulate(list, problem.soc, {.line = kLine, .warm_up = 1});
  RC_ASSERT(pass.ops.size() == list.ops.size());
  for (size_t level = 0; level < problem.soc.levels.size(); ++level) {
    Bytes read(0);
    Bytes written(0);
    for (const SimulatedOp& op : pass.ops) {
      read += op.moved.read[level];
      written += op.moved.written[level];
    }
    RC_ASSERT(read == pass.moved.read[level]);
    RC_ASSERT(written == pass.moved.written[level]);
  }
  Seconds time =
      problem.soc.fixed.per_token.value + static_cast<double>(ExecutedBlocks(problem.model)) *
                                              problem.soc.fixed.per_executed_block.value;
  for (const SimulatedOp& op : pass.ops) time += op.time;
  RC_ASSERT(std::abs(time / pass.time - 1) < 1e-9);
}

// A larger LRU holds all that a smaller one holds, as long as both run the same loops.
RC_GTEST_PROP(Simulate, MoreSramNeverAddsDramBytes, ()) {
  const OpList list = AnyToken();
  const Bytes capacity = SimulatedWorkspace(list, kLine) + AnyCapacity(6);
  const Bytes more = capacity + AnyCapacity(6);
  RC_ASSERT(Simulate(list, SimpleSoc(more), {.line = kLine}).dram_bytes() <=
            Simulate(list, SimpleSoc(capacity), {.line = kLine}).dram_bytes());
}

RC_GTEST_PROP(Simulate, MoreBandwidthNeverAddsTime, ()) {
  Problem problem = AnyProblem();
  const OpList list = BuildOpList(problem.model, problem.precision,
                                  {1, problem.workload.prompt_tokens, problem.workload.batch});
  const Seconds before = Simulate(list, problem.soc, {.line = kLine, .warm_up = 1}).time;
  const auto which =
      static_cast<size_t>(Pick(0, static_cast<int64_t>(problem.soc.levels.size()) - 1));
  MemoryLevel& level = problem.soc.levels[which];
  const double factor = 1 + static_cast<double>(Pick(1, 30)) / 10;
  level.read_bandwidth.value = level.read_bandwidth.value * factor;
  level.write_bandwidth.value = level.write_bandwidth.value * factor;
  const Seconds after = Simulate(list, problem.soc, {.line = kLine, .warm_up = 1}).time;
  RC_ASSERT(after.value() <= before.value() * (1 + 1e-12));
}

// Two buffers neither beat perfect overlap of what was moved, nor do worse than no overlap at all.
RC_GTEST_PROP(Simulate, TimeLiesBetweenPerfectOverlapAndNone, ()) {
  Problem problem = AnyProblem();
  const OpList list = BuildOpList(problem.model, problem.precision,
                                  {1, problem.workload.prompt_tokens, problem.workload.batch});
  const SimulatedPass pass = Simulate(list, problem.soc, {.line = kLine, .warm_up = 1});
  for (const SimulatedOp& op : pass.ops) {
    Seconds longest = op.compute_time;
    Seconds sum = op.compute_time;
    for (size_t level = 0; level < problem.soc.levels.size(); ++level) {
      const Seconds transfer =
          TransferTime(problem.soc.levels[level], op.moved.read[level], op.moved.written[level]);
      longest = std::max(longest, transfer);
      sum += transfer;
    }
    const Seconds own = op.time - problem.soc.fixed.per_operator.value;
    RC_ASSERT(own.value() >= longest.value() * (1 - 1e-9) - 1e-15);
    RC_ASSERT(own.value() <= sum.value() * (1 + 1e-9) + 1e-15);
  }
}

// With a level that does not hold head and one block (as for the closed form), and up to the
// activations and the lines that are shared.
RC_GTEST_PROP(Simulate, ImmediateThenReverseThenRepeatAll, ()) {
  ModelSpec model = AnyModel();
  model.kv_policy = KvPolicy::kShared;
  const Precision precision = AnyPrecision();
  const Pass token{1, Pick(1, 100), 1};
  const int64_t times = Pick(2, 3);
  const WeightBytes weights = CountWeightBytes(model, precision);
  const Bytes capacity(Pick(1, (weights.embedding + weights.block).value()));
  Bytes slack(0);
  const auto bytes = [&](RepeatKind kind) {
    model.repeat = Repeat(kind, times);
    const OpList list = BuildOpList(model, precision, token);
    slack = Bytes(0);
    for (const Op& op : list.ops) slack += op.activations_in + op.activations_out + 4 * kLine;
    return Simulate(list, SimpleSoc(capacity), {.line = kLine}).dram_bytes();
  };
  const Bytes immediate = bytes(RepeatKind::kImmediate);
  const Bytes reverse = bytes(RepeatKind::kReverse);
  const Bytes repeat_all = bytes(RepeatKind::kRepeatAll);
  RC_ASSERT(immediate <= reverse + slack);
  RC_ASSERT(reverse <= repeat_all + slack);
}

}  // namespace
}  // namespace deepthin::costmodel

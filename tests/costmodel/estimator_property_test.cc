#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "costmodel/closed_form.h"
#include "costmodel/estimator.h"
#include "costmodel/residency.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

Bytes DramBytes(const Problem& problem) { return Estimate(problem).decode.dram_bytes; }

RC_GTEST_PROP(EstimateProperty, MoreSramNeverAddsDramBytes, ()) {
  Problem problem = AnyProblem();
  const CostEstimate before = Estimate(problem);
  const auto level =
      static_cast<size_t>(Pick(0, static_cast<int64_t>(problem.soc.levels.size()) - 2));
  MemoryLevel& sram = problem.soc.levels[level];
  sram.capacity.value += Bytes(Pick(0, 2 * sram.capacity.value.value()));
  const CostEstimate after = Estimate(problem);
  RC_ASSERT(after.decode.dram_bytes <= before.decode.dram_bytes);
  RC_ASSERT(after.prefill.dram_bytes <= before.prefill.dram_bytes);
}

RC_GTEST_PROP(EstimateProperty, MoreBandwidthOrComputeNeverAddsTime, ()) {
  Problem problem = AnyProblem();
  const CostEstimate before = Estimate(problem);
  const double factor = 1 + static_cast<double>(Pick(0, 30)) / 10;
  const int64_t what = Pick(0, static_cast<int64_t>(problem.soc.levels.size()));
  if (what == 0) {
    problem.soc.compute[0].peak.value = problem.soc.compute[0].peak.value * factor;
  } else {
    MemoryLevel& level = problem.soc.levels[static_cast<size_t>(what - 1)];
    level.read_bandwidth.value = level.read_bandwidth.value * factor;
    level.write_bandwidth.value = level.write_bandwidth.value * factor;
  }
  const CostEstimate after = Estimate(problem);
  RC_ASSERT(after.decode.time.value() <= before.decode.time.value() * (1 + 1e-12));
  RC_ASSERT(after.prefill.time.value() <= before.prefill.time.value() * (1 + 1e-12));
}

RC_GTEST_PROP(EstimateProperty, NoPassBeatsItsRoofline, ()) {
  const Problem problem = AnyProblem();
  const CostEstimate cost = Estimate(problem);
  const RooflineBound decode = DecodeBound(problem);
  const RooflineBound prefill = PrefillBound(problem);
  RC_ASSERT(cost.decode.dram_bytes >= decode.dram_read);
  RC_ASSERT(cost.prefill.dram_bytes >= prefill.dram_read);
  RC_ASSERT(cost.decode.macs == decode.macs);
  RC_ASSERT(cost.prefill.macs == prefill.macs);
  RC_ASSERT(cost.decode.time.value() >= decode.time().value() * (1 - 1e-12));
  RC_ASSERT(cost.prefill.time.value() >= prefill.time().value() * (1 - 1e-12));
}

RC_GTEST_PROP(EstimateProperty, OperatorsSumToThePhase, ()) {
  const Problem problem = AnyProblem();
  const CostEstimate cost = Estimate(problem);
  for (const PhaseCost& phase : {cost.prefill, cost.decode}) {
    Bytes dram(0);
    Macs macs(0);
    Seconds time(0);
    for (const OperatorCost& op : phase.operators) {
      RC_ASSERT(op.traffic.size() == problem.soc.levels.size());
      dram += op.traffic.back().read + op.traffic.back().written;  // DRAM is the last level here
      macs += op.macs;
      time += op.time;
      RC_ASSERT(op.time.value() >= (op.compute_time + op.fixed_time).value() * (1 - 1e-12));
    }
    RC_ASSERT(dram == phase.dram_bytes);
    RC_ASSERT(macs == phase.macs);
    RC_ASSERT(std::abs(time / phase.time - 1) < 1e-12);
  }
}

// Where the bytes come from may change, but not how many there are: with all levels together,
// decode reads what a SoC without any reuse reads.
RC_GTEST_PROP(EstimateProperty, LevelsShareOutTheSameBytes, ()) {
  const Problem problem = AnyProblem();
  Problem unlimited = problem;
  unlimited.soc = SimpleSoc(GiB(1));
  const auto total = [](const PhaseCost& phase) {
    Bytes read(0);
    Bytes written(0);
    for (const OperatorCost& op : phase.operators) {
      for (const LevelTraffic& t : op.traffic) {
        read += t.read;
        written += t.written;
      }
    }
    return std::pair{read, written};
  };
  const auto some = total(Estimate(problem).decode);
  const auto all = total(Estimate(unlimited).decode);
  RC_ASSERT(some.second == all.second);
  RC_ASSERT(some.first >= all.first);  // a batch whose activations spill re-reads
  if (problem.workload.batch == 1) RC_ASSERT(some.first == all.first);
}

// The head streams through the level between one token and the next. Below the size of head and one
// block nothing survives it, and the order of the schedule decides alone. (Above, A B B A can beat
// A A B B: its last block is the next token's first. With KV entries of their own, the second pass
// of A B B A also puts twice the KV between, so the property is stated for shared ones.)
RC_GTEST_PROP(EstimateProperty, ImmediateThenReverseThenRepeatAll, ()) {
  Problem problem{.model = AnyModel(), .precision = AnyPrecision(), .soc = {}, .workload = {}};
  problem.workload = {.prompt_tokens = Pick(1, 100), .generated_tokens = 1, .batch = 1};
  problem.model.kv_policy = KvPolicy::kShared;
  const int64_t times = Pick(2, 3);
  const WeightBytes weights = CountWeightBytes(problem.model, problem.precision);
  problem.soc = SimpleSoc(Bytes(Pick(1, (weights.embedding + weights.block).value())));
  const auto bytes = [&](RepeatKind kind) {
    problem.model.repeat = Repeat(kind, times);
    return DramBytes(problem);
  };
  const Bytes immediate = bytes(RepeatKind::kImmediate);
  const Bytes reverse = bytes(RepeatKind::kReverse);
  RC_ASSERT(immediate <= reverse);
  RC_ASSERT(reverse <= bytes(RepeatKind::kRepeatAll));
  // A fixed choice of bytes does not care for the order.
  problem.soc.levels[0].replacement = Replacement::kPinned;
  RC_ASSERT(bytes(RepeatKind::kImmediate) == bytes(RepeatKind::kReverse));
  RC_ASSERT(bytes(RepeatKind::kImmediate) == bytes(RepeatKind::kRepeatAll));
}

RC_GTEST_PROP(EstimateProperty, TyingSavesStoredBytesAndNoTraffic, ()) {
  Problem problem = AnyProblem();
  problem.soc = SimpleSoc(Bytes(1));  // nothing stays, so the lookup's rows are read either way
  problem.model.tie_embeddings = true;
  const CostEstimate tied = Estimate(problem);
  problem.model.tie_embeddings = false;
  const CostEstimate untied = Estimate(problem);
  RC_ASSERT(tied.decode.dram_bytes == untied.decode.dram_bytes);
  RC_ASSERT(tied.decode.time == untied.decode.time);
  RC_ASSERT(untied.weight_bytes - tied.weight_bytes == StorageBytes(problem.precision.embedding,
                                                                    problem.model.vocab_size,
                                                                    problem.model.d_model));
}

// The capacity that is said to make repeats free does, and one byte less does not. From a cold
// start, so that nothing is left from the token before.
RC_GTEST_PROP(EstimateProperty, SramNeededIsTight, ()) {
  Problem problem{.model = AnyModel(), .precision = AnyPrecision(), .soc = {}, .workload = {}};
  problem.workload = {.prompt_tokens = Pick(1, 100), .generated_tokens = 1, .batch = Pick(1, 3)};
  const int64_t context = MeanDecodeContext(problem.workload);
  const Bytes needed =
      SramNeededToBeFree(problem.model, problem.precision, context, problem.workload.batch);
  RC_PRE(needed > Bytes(0));
  const OpList list =
      BuildOpList(problem.model, problem.precision, {1, context, problem.workload.batch});
  const PassTrace pass = TraceOf(list);
  const auto beyond = [&](Bytes capacity) {
    const OnChipLevel level[] = {{capacity, Replacement::kLru}};
    const ServedBytes served = Serve(pass.trace, Start::kCold, list.block_workspace, level);
    Bytes sum(0);
    for (size_t i = 0; i < pass.trace.accesses.size(); ++i) sum += served.at(i, 1);
    return sum;
  };
  RC_ASSERT(beyond(needed) == beyond(GiB(64)));
  RC_ASSERT(beyond(needed - Bytes(1)) > beyond(needed));
}

// Any valid problem, however large, is either counted or refused; the sanitizers watch for
// overflow.
RC_GTEST_PROP(EstimateProperty, ExtremeProblemsAreCountedOrRefused, ()) {
  const auto up_to = [](int power) { return int64_t{1} << Pick(0, power); };
  Problem problem = AnyProblem();
  ModelSpec& model = problem.model;
  model.d_model = up_to(20);
  model.d_ff = up_to(20);
  model.vocab_size = up_to(22);
  model.head_dim = 2 * up_to(9);
  model.n_kv_heads = up_to(5);
  model.n_heads = model.n_kv_heads * up_to(5);
  model.max_seq_len = 1 << 24;
  problem.workload = {
      .prompt_tokens = up_to(23), .generated_tokens = up_to(23), .batch = up_to(16)};
  try {
    const CostEstimate cost = Estimate(problem);
    RC_ASSERT(cost.prefill.macs == PrefillBound(problem).macs);
    RC_ASSERT(cost.decode.dram_bytes >= Bytes(0) && cost.prefill.dram_bytes >= Bytes(0));
    RC_ASSERT(cost.peak_memory > cost.weight_bytes);
    for (const OperatorCost& op : cost.prefill.operators) {
      for (const LevelTraffic& t : op.traffic)
        RC_ASSERT(t.read >= Bytes(0) && t.written >= Bytes(0));
    }
  } catch (const InputError& error) {
    RC_ASSERT(std::string(error.what()).find("/workload") != std::string::npos);
  }
}

}  // namespace
}  // namespace deepthin::costmodel

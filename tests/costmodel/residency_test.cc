#include "costmodel/residency.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "spec/model_presets.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

const Precision kF16 = *PrecisionByName("f16");

// Hand arithmetic for MobileLLM-125M at FP16.
constexpr int64_t kBlockBytes = 2 * (576 * 960 + 576 * 576 + 3 * 576 * 1'536) + 2 * 576 * 4;
constexpr int64_t kWorkspace = 10'368;  // ffn_act: residual, 2 d_ff, d_ff
constexpr int64_t KvEntryBytes(int64_t tokens) { return tokens * 2 * 192 * 2; }

ModelSpec Scheduled(RepeatKind kind, KvPolicy policy) {
  ModelSpec model = *ModelPresetByName("mobilellm-125m");
  model.repeat = Repeat(kind, kind == RepeatKind::kNone ? 1 : 2);
  model.kv_policy = policy;
  return model;
}

// Bytes of a trace that any on-chip level serves.
Bytes OnChip(const AccessTrace& trace, const ServedBytes& served) {
  Bytes sum(0);
  for (size_t i = 0; i < trace.accesses.size(); ++i) {
    sum += trace.accesses[i].bytes - served.at(i, served.tiers() - 1);
  }
  return sum;
}

TEST(SramNeededToBeFree, FollowsTheReuseDistanceOfTheSchedule) {
  struct Row {
    RepeatKind kind;
    KvPolicy policy;
    int64_t blocks, kv_entries;  // that lie between two executions
  };
  // In A B B A the KV entries of both passes lie between the two A, but the weights once.
  const Row rows[] = {
      {RepeatKind::kImmediate, KvPolicy::kPerOccurrence, 1, 1},
      {RepeatKind::kRepeatAll, KvPolicy::kPerOccurrence, 30, 30},
      {RepeatKind::kReverse, KvPolicy::kPerOccurrence, 30, 59},
      {RepeatKind::kImmediate, KvPolicy::kShared, 1, 1},
      {RepeatKind::kRepeatAll, KvPolicy::kShared, 30, 30},
      {RepeatKind::kReverse, KvPolicy::kShared, 30, 30},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(ToText(row.kind)) + " " + std::string(ToText(row.policy)));
    const Bytes expected(row.blocks * kBlockBytes + row.kv_entries * KvEntryBytes(1'001) +
                         kWorkspace);
    EXPECT_EQ(SramNeededToBeFree(Scheduled(row.kind, row.policy), kF16, 1'000), expected);
  }
  EXPECT_EQ(SramNeededToBeFree(Scheduled(RepeatKind::kNone, KvPolicy::kShared), kF16, 1'000),
            Bytes(0));
}

// Bytes of block weights that a decoded token reads from beyond an LRU level of this capacity.
Bytes BlockWeightsFromBeyond(const ModelSpec& model, Bytes capacity) {
  const OpList list = BuildOpList(model, kF16, {1, 100, 1});
  const PassTrace pass = TraceOf(list);
  const OnChipLevel level[] = {{capacity, Replacement::kLru}};
  const ServedBytes served = Serve(pass.trace, pass.start, list.block_workspace, level);
  Bytes beyond(0);
  for (size_t i = 0; i < pass.roles.size(); ++i) {
    const OpKind kind = list.ops[pass.roles[i].op].kind;
    if (pass.roles[i].operand != PassTrace::Role::Operand::kWeights) continue;
    if (kind == OpKind::kEmbed || kind == OpKind::kHead || kind == OpKind::kFinalNorm) continue;
    beyond += served.at(i, 1);
  }
  return beyond;
}

TEST(Serve, SchedulesDifferAsTheirReuseDistancesSay) {
  const Bytes once(30 * kBlockBytes);
  const auto beyond = [](RepeatKind kind, Bytes capacity) {
    return BlockWeightsFromBeyond(Scheduled(kind, KvPolicy::kPerOccurrence), capacity);
  };
  // One block and what flows between: A A hits, and of A B B A only the turn.
  const Bytes one_block(kBlockBytes + KvEntryBytes(101) + kWorkspace);
  EXPECT_EQ(beyond(RepeatKind::kImmediate, one_block), once);
  EXPECT_EQ(beyond(RepeatKind::kImmediate, one_block - Bytes(1)), 2 * once);
  EXPECT_EQ(beyond(RepeatKind::kReverse, one_block), 2 * once - Bytes(kBlockBytes));
  EXPECT_EQ(beyond(RepeatKind::kReverse, one_block - Bytes(1)), 2 * once);
  EXPECT_EQ(beyond(RepeatKind::kRepeatAll, one_block), 2 * once);
  // Two blocks on either side of the turn, with the KV entries of three executions between.
  const Bytes two_blocks(2 * kBlockBytes + 3 * KvEntryBytes(101) + kWorkspace);
  EXPECT_EQ(beyond(RepeatKind::kReverse, two_blocks), 2 * once - Bytes(2 * kBlockBytes));
  EXPECT_EQ(beyond(RepeatKind::kReverse, two_blocks - Bytes(1)), 2 * once - Bytes(kBlockBytes));
  // A B A B: nothing, until all 30 fit.
  const Bytes all_blocks(30 * (kBlockBytes + KvEntryBytes(101)) + kWorkspace);
  EXPECT_EQ(beyond(RepeatKind::kRepeatAll, all_blocks), once);
  EXPECT_EQ(beyond(RepeatKind::kRepeatAll, all_blocks - Bytes(1)), 2 * once);
}

// An explicit A A B B is the same schedule as immediate:2.
TEST(Serve, ExplicitScheduleIsJudgedByItsOrderAlone) {
  ModelSpec immediate = Scheduled(RepeatKind::kImmediate, KvPolicy::kPerOccurrence);
  ModelSpec listed = immediate;
  listed.repeat = {.kind = RepeatKind::kExplicit, .times = 1, .order = ExecutionOrder(immediate)};
  const Bytes needed = SramNeededToBeFree(immediate, kF16, 100);
  EXPECT_EQ(SramNeededToBeFree(listed, kF16, 100), needed);
  EXPECT_EQ(BlockWeightsFromBeyond(listed, needed), BlockWeightsFromBeyond(immediate, needed));
}

TEST(Serve, ATiedTableIsFoundByTheLookupOnlyWhereAllOfItStays) {
  ModelSpec model = *ModelPresetByName("mobilellm-125m");
  for (const bool tied : {true, false}) {
    model.tie_embeddings = tied;
    const OpList list = BuildOpList(model, kF16, {1, 10, 1});
    const PassTrace pass = TraceOf(list);
    const OnChipLevel level[] = {{GiB(1), Replacement::kLru}};
    const ServedBytes served = Serve(pass.trace, pass.start, list.block_workspace, level);
    // With room for everything, only rows of an untied table are still new at each token.
    EXPECT_EQ(served.at(0, 1), Bytes(tied ? 0 : 1'152));
    EXPECT_EQ(served.at(pass.roles.size() - 2, 1), Bytes(0)) << "the head";
  }
}

RC_GTEST_PROP(Serve, PinnedIsTheBestStaticChoice, ()) {
  AccessTrace trace;
  const int64_t objects = Pick(1, 4);
  for (int64_t i = 0; i < objects; ++i) trace.object_bytes.push_back(Bytes(Pick(1, 5)));
  const int64_t accesses = Pick(1, 10);
  for (int64_t i = 0; i < accesses; ++i) {
    const int64_t object = Pick(0, objects - 1);
    trace.accesses.push_back({object, trace.object_bytes[static_cast<size_t>(object)]});
  }
  const int64_t capacity = Pick(0, 12);
  const OnChipLevel level[] = {{Bytes(capacity), Replacement::kPinned}};
  const Bytes chosen = OnChip(trace, Serve(trace, Start::kSteady, Bytes(0), level));

  // Every way to hold some bytes of each object.
  std::vector<int64_t> held(static_cast<size_t>(objects), 0);
  Bytes best(0);
  while (true) {
    int64_t used = 0;
    Bytes saved(0);
    for (const int64_t bytes : held) used += bytes;
    for (const Access& a : trace.accesses) saved += Bytes(held[static_cast<size_t>(a.object)]);
    if (used <= capacity) best = std::max(best, saved);
    size_t digit = 0;
    while (digit < held.size() && held[digit] == trace.object_bytes[digit].value()) {
      held[digit++] = 0;
    }
    if (digit == held.size()) break;
    ++held[digit];
  }
  RC_ASSERT(chosen == best);
}

TEST(Serve, PinnedFromAColdStartSavesRepeatsOnly) {
  // A(4) B(6) A: pinning A saves its second touch, B nothing.
  const AccessTrace trace{{Bytes(4), Bytes(6)}, {{0, Bytes(4)}, {1, Bytes(6)}, {0, Bytes(4)}}};
  const OnChipLevel level[] = {{Bytes(3), Replacement::kPinned}};
  const ServedBytes served = Serve(trace, Start::kCold, Bytes(0), level);
  EXPECT_EQ(served.at(0, 1), Bytes(4));
  EXPECT_EQ(served.at(1, 1), Bytes(6));
  EXPECT_EQ(served.at(2, 0), Bytes(3));
  EXPECT_EQ(served.at(2, 1), Bytes(1));
}

TEST(Serve, ReservedBytesAreTakenFromEveryLevel) {
  const AccessTrace trace{{Bytes(10)}, {{0, Bytes(10)}}};
  for (const Replacement policy : {Replacement::kLru, Replacement::kPinned}) {
    const OnChipLevel fits[] = {{Bytes(15), policy}};
    EXPECT_EQ(Serve(trace, Start::kSteady, Bytes(5), fits).at(0, 0), Bytes(10));
    EXPECT_EQ(Serve(trace, Start::kSteady, Bytes(6), fits).at(0, 0),
              policy == Replacement::kLru ? Bytes(0) : Bytes(9));
    EXPECT_EQ(Serve(trace, Start::kSteady, Bytes(16), fits).at(0, 0), Bytes(0));
  }
}

}  // namespace
}  // namespace deepthin::costmodel

#include "explorer/whatif/cliffs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "costmodel/pass_traffic.h"
#include "costmodel/residency.h"
#include "tests/costmodel/random_problem.h"
#include "tests/explorer/whatif/preset_question.h"

namespace deepthin::explorer {
namespace {

using costmodel::Pick;

Question WithSram(Question question, Bytes capacity) {
  question.problem.soc.levels[0].capacity = {
      .value = capacity, .source = "assumed: a test", .low = {}, .high = {}};
  return question;
}

// DRAM reads of the blocks' matrices: what repeats can save.
Bytes BlockReads(const Question& question) {
  Bytes out(0);
  const size_t dram = costmodel::DramLevel(question.problem.soc);
  for (const OperatorCost& op : DecodeOf(question).operators) {
    const bool matrix =
        op.name == "qkv" || op.name == "attn_out" || op.name == "ffn_up" || op.name == "ffn_down";
    if (matrix) out += op.traffic[dram].read;
  }
  return out;
}

TEST(RepeatsFreeFrom, IsTightForEveryFormat) {
  for (const char* format : {"f32", "f16", "q8_0", "q4_0", "w8a8"}) {
    SCOPED_TRACE(format);
    const Question shared = About("mobilellm-ls-125m", "iphone-13", format);
    const Question plain = About("mobilellm-125m", "iphone-13", format);
    const auto from = RepeatsFreeFrom(shared);
    ASSERT_TRUE(from.has_value());
    EXPECT_FALSE(RepeatsFreeFrom(plain).has_value());
    const Bytes once = BlockReads(WithSram(plain, KiB(64)));
    EXPECT_EQ(BlockReads(WithSram(shared, *from)), once) << "each block is read once";
    EXPECT_EQ(BlockReads(WithSram(shared, *from - Bytes(1))), once * 2) << "and here twice";
  }
}

TEST(RepeatsFreeFrom, IsABlockItsKeysAndValuesAndItsActivations) {
  const Question question = About("mobilellm-ls-125m");
  const auto& [model, precision, soc, work] = question.problem;
  const Bytes block = CountWeightBytes(model, precision).block;
  // Context 80 and the token's own, 2 x 192 numbers of 2 bytes.
  const Bytes kv(81 * 2 * 192 * 2);
  const Bytes from = *RepeatsFreeFrom(question);
  EXPECT_GT(from, block + kv);
  EXPECT_LT(from, block + kv + KiB(16)) << "the activations of one token";
}

TEST(CapacityCliffs, HoldAtTheirByteAndNotOneBelow) {
  const Question question = About("mobilellm-ls-125m");
  const auto cliffs = CapacityCliffs(question, 0, KiB(1), MiB(512));
  ASSERT_GE(cliffs.size(), 2u);
  bool has_repeats = false;
  for (const Cliff& cliff : cliffs) {
    const PhaseCost below = DecodeOf(WithSram(question, Bytes(cliff.at - 1)));
    const PhaseCost at = DecodeOf(WithSram(question, Bytes(cliff.at)));
    EXPECT_EQ(below.dram_bytes, cliff.bytes_before);
    EXPECT_EQ(at.dram_bytes, cliff.bytes_after);
    EXPECT_LT(cliff.bytes_after, cliff.bytes_before);
    EXPECT_EQ(below.time, cliff.time_before);
    EXPECT_EQ(at.time, cliff.time_after);
    has_repeats = has_repeats || Bytes(cliff.at) == *RepeatsFreeFrom(question);
  }
  EXPECT_TRUE(has_repeats);
  EXPECT_THAT(CapacityCliffs(question, 0, MiB(1), MiB(1)), testing::IsEmpty());
}

// The other way to the same places, from where all activations stay on chip: stack distances and
// the workspace. Bisection has to find each capacity where the bytes change, and no other.
RC_GTEST_PROP(CapacityCliffs, AreTheStackDistances, ()) {
  Problem problem = costmodel::AnyProblem();
  problem.soc = costmodel::SimpleSoc(KiB(1));
  const Question question = {.problem = problem, .context = {}};
  const auto list = costmodel::BuildOpList(
      problem.model, problem.precision,
      {.new_tokens = 1, .context_tokens = ContextOf(question), .batch = problem.workload.batch});
  const auto pass = costmodel::TraceOf(list);
  std::set<int64_t> candidates;
  for (const Bytes distance : StackDistances(pass.trace, pass.start)) {
    if (distance == costmodel::kNeverTouched) continue;
    candidates.insert((distance + list.block_workspace).value());
  }
  Bytes low = list.block_workspace;
  for (const auto& op : list.ops) low = std::max(low, op.live_activations);
  const auto cliffs = CapacityCliffs(question, 0, low, MiB(64));
  size_t next = 0;
  Bytes before = DecodeOf(WithSram(question, low)).dram_bytes;
  for (const int64_t at : candidates) {
    if (at <= low.value() || at > MiB(64).value()) continue;
    const Bytes below = DecodeOf(WithSram(question, Bytes(at - 1))).dram_bytes;
    const Bytes here = DecodeOf(WithSram(question, Bytes(at))).dram_bytes;
    if (below == here) continue;
    RC_ASSERT(below == before);
    RC_ASSERT(next < cliffs.size());
    RC_ASSERT(cliffs[next].at == at);
    ++next;
    before = here;
  }
  RC_ASSERT(next == cliffs.size());
}

TEST(CapacityCliffs, OfAnInnerLevelAreAboutWhatLiesBeyondIt) {
  const Question question = About("mobilellm-ls-125m", "raspberry-pi-5", "q4_0");
  ASSERT_EQ(question.problem.soc.levels[1].kind, LevelKind::kSram);
  for (const Cliff& cliff : CapacityCliffs(question, 0, KiB(16), MiB(64))) {
    EXPECT_LT(cliff.bytes_after, cliff.bytes_before);
    EXPECT_LE(cliff.time_after, cliff.time_before);
  }
  Question pinned = question;
  pinned.problem.soc.levels[0].replacement = Replacement::kPinned;
  EXPECT_THAT(CapacityCliffs(pinned, 0, KiB(16), MiB(64)), testing::IsEmpty());
}

TEST(ContextCliffs, HoldAtTheirTokenAndNotOneBelow) {
  // A block of the LS model fits beside its KV until the KV is too large.
  const Question question = WithSram(About("mobilellm-ls-125m"), Bytes(7'600'000));
  const auto cliffs = ContextCliffs(question, 1, 2'000);
  ASSERT_EQ(cliffs.size(), 1u);
  Question below = question;
  below.context = cliffs[0].at - 1;
  Question at = question;
  at.context = cliffs[0].at;
  EXPECT_LE(*RepeatsFreeFrom(below), Bytes(7'600'000));
  EXPECT_GT(*RepeatsFreeFrom(at), Bytes(7'600'000));
  EXPECT_EQ(DecodeOf(at).dram_bytes, cliffs[0].bytes_after);
  EXPECT_EQ(DecodeOf(below).dram_bytes, cliffs[0].bytes_before);
  EXPECT_THAT(ContextCliffs(About("mobilellm-125m"), 1, 2'000), testing::IsEmpty());
}

RC_GTEST_PROP(LinearFrom, TimesAreLinearBetween, ()) {
  Problem problem = costmodel::AnyProblem();
  for (MemoryLevel& level : problem.soc.levels) level.replacement = Replacement::kLru;
  const Question question = {.problem = problem, .context = {}};
  const int64_t high = Pick(3, 200);
  std::vector<int64_t> starts = LinearFrom(question, 1, high);
  starts.push_back(high + 1);
  const auto time = [&](int64_t context) {
    Question asked = question;
    asked.context = context;
    asked.problem.model.max_seq_len = 4'096;
    return DecodeOf(asked).time.value();
  };
  int64_t first = 1;
  for (const int64_t next : starts) {
    const int64_t last = next - 1;
    const int64_t middle = first + (last - first) / 2;
    const double share =
        last > first ? static_cast<double>(middle - first) / static_cast<double>(last - first) : 0;
    const double line = time(first) + share * (time(last) - time(first));
    RC_ASSERT(std::abs(time(middle) - line) <= 1e-12 * line);
    first = next;
  }
}

}  // namespace
}  // namespace deepthin::explorer

#include "runtime/measuring/operator_times.h"

#include <gtest/gtest.h>

#include <set>

#include "runtime/decoder.h"
#include "runtime/measuring/measure.h"
#include "spec/precision.h"

namespace deepthin::runtime {
namespace {

ModelSpec RepeatingSpec(RepeatKind kind) {
  return {.vocab_size = 100,
          .d_model = 32,
          .n_blocks = 3,
          .n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = 8,
          .d_ff = 48,
          .repeat = {.kind = kind, .times = kind == RepeatKind::kNone ? 1 : 2, .order = {}},
          .max_seq_len = 64};
}

Measured Profiled(const ModelSpec& spec) {
  const MeasureOptions options = {.prompt_tokens = 5, .generated_tokens = 4, .repeats = 1};
  const MeasuredWeights weights = LoadRandomWeights(spec, options);
  return std::move(MeasureAll({&weights, 1}, {.options = options, .profile = true}).front());
}

TEST(DecodeTimesTest, AddUpToTheTokensAndTheirBytes) {
  const ModelSpec spec = RepeatingSpec(RepeatKind::kImmediate);
  const Measured measured = Profiled(spec);
  const std::vector<OperatorTime> times = DecodeTimes(measured.profile);

  Seconds passes;
  for (size_t i = 0; i < measured.profile.passes().size(); ++i) {
    if (measured.profile.passes()[i].tokens != 1) continue;  // the prompt's
    const auto spans = measured.profile.SpansOf(i);
    passes +=
        Seconds(std::chrono::duration<double>(spans.back().end - spans.front().begin).count());
  }
  EXPECT_NEAR(TotalTime(times).value(), passes.value() / 4, 1e-9);

  std::set<Operator> distinct;
  for (const OperatorTime& each : times) {
    EXPECT_TRUE(distinct.insert(each.op).second);
    EXPECT_EQ(each.executions, IsOfBlock(each.op) ? 6 : 1) << ToText(each.op);
  }
  const WeightBytes weights = CountWeightBytes(spec, kF32);
  EXPECT_EQ(times.back().op, Operator::kHead);
  EXPECT_EQ(times.back().bytes, weights.embedding);  // tied
}

TEST(DecodeTimesTest, OfNothingAreNone) {
  EXPECT_TRUE(DecodeTimes(Profile()).empty());
  EXPECT_EQ(TotalTime({}).value(), 0);
}

TEST(RepeatTimesTest, AreThereWhereBlocksRepeat) {
  for (const RepeatKind kind : {RepeatKind::kImmediate, RepeatKind::kRepeatAll}) {
    const ModelSpec spec = RepeatingSpec(kind);
    const auto repeats = TimesOfRepeats(Profiled(spec).profile, spec);
    ASSERT_TRUE(repeats.has_value());
    EXPECT_GT(repeats->first.value(), 0);
    EXPECT_GT(repeats->repeated.value(), 0);
  }
  const ModelSpec spec = RepeatingSpec(RepeatKind::kNone);
  EXPECT_FALSE(TimesOfRepeats(Profiled(spec).profile, spec).has_value());
  EXPECT_FALSE(TimesOfRepeats(Profile(), RepeatingSpec(RepeatKind::kImmediate)).has_value());
}

// A A B B C C: a profile whose second executions wait ten times as long.
TEST(RepeatTimesTest, TellTheFirstExecutionFromTheLater) {
  const ModelSpec spec = RepeatingSpec(RepeatKind::kImmediate);
  Profile profile;
  const auto wait = [](Seconds time) {
    const auto from = Profile::Clock::now();
    while (std::chrono::duration<double>(Profile::Clock::now() - from).count() < time.value()) {
    }
  };
  profile.BeginPass(0, 1);
  profile.End(Operator::kEmbedding, Bytes(1));
  for (int64_t block = 0; block < 6; ++block) {
    profile.EnterBlock(block);
    wait(block % 2 == 0 ? Microseconds(100) : Milliseconds(1));
    profile.End(Operator::kQkv, Bytes(1));
  }
  const auto repeats = TimesOfRepeats(profile, spec);
  ASSERT_TRUE(repeats.has_value());
  EXPECT_GE(repeats->first, Microseconds(100));
  EXPECT_GE(repeats->repeated, Milliseconds(1));
  EXPECT_DOUBLE_EQ(repeats->ratio(), repeats->repeated / repeats->first);
}

}  // namespace
}  // namespace deepthin::runtime

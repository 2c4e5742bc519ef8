#include "runtime/profile.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <vector>

#include "runtime/decoder.h"
#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

Seconds Between(Profile::Clock::time_point begin, Profile::Clock::time_point end) {
  return Seconds(std::chrono::duration<double>(end - begin).count());
}

// No gap and no overlap, so that the operators' times add up to the pass's time whatever the clock
// says; and nothing of the pass lies outside.
RC_GTEST_PROP(ProfileProperty, SpansAreContiguousAndCountEveryByte, ()) {
  const ModelSpec spec = DrawSpec();
  const Weights weights = SmallWeights(spec, 1);
  const std::vector<int32_t> tokens = DrawTokens(spec, 90);
  ThreadPool pool(*rc::gen::inRange(1, 3));
  Decoder decoder(weights, pool, static_cast<int64_t>(tokens.size()) + 1);
  Profile profile;
  decoder.set_profile(&profile);
  const auto which = *rc::gen::element(Logits::kLast, Logits::kAll);

  const auto before = Profile::Clock::now();
  (void)decoder.Forward(tokens, which);
  const auto between = Profile::Clock::now();
  (void)decoder.Forward({tokens.data(), 1}, Logits::kLast);
  const auto after = Profile::Clock::now();

  RC_ASSERT(profile.passes().size() == 2U);
  RC_ASSERT(profile.passes()[0].tokens == static_cast<int64_t>(tokens.size()));
  RC_ASSERT(profile.passes()[1].position == static_cast<int64_t>(tokens.size()));
  RC_ASSERT(profile.passes()[1].tokens == 1);
  Bytes bytes;
  for (const size_t pass : {0U, 1U}) {
    const auto spans = profile.SpansOf(pass);
    RC_ASSERT(!spans.empty());
    RC_ASSERT(spans.front().begin >= (pass == 0 ? before : between));
    RC_ASSERT(spans.back().end <= (pass == 0 ? between : after));
    for (size_t i = 0; i < spans.size(); ++i) {
      RC_ASSERT(spans[i].begin <= spans[i].end);
      if (i > 0) RC_ASSERT(spans[i].begin == spans[i - 1].end);
      RC_ASSERT(spans[i].executed_block.has_value() == IsOfBlock(spans[i].op));
      bytes += spans[i].bytes;
    }
  }
  RC_ASSERT(bytes == decoder.bytes_touched());
}

// A decoded token goes once through the operators of each executed block, in order.
RC_GTEST_PROP(ProfileProperty, EachExecutedBlockIsSeenOnceInATokensPass, ()) {
  const ModelSpec spec = DrawSpec();
  const Weights weights = SmallWeights(spec, 1);
  ThreadPool pool(1);
  Decoder decoder(weights, pool, 2);
  Profile profile;
  decoder.set_profile(&profile);
  (void)decoder.Forward(SomeTokens(spec, 1), Logits::kLast);

  std::vector<int64_t> attending;
  std::set<std::pair<int64_t, Operator>> seen;
  for (const Profile::Span& span : profile.spans()) {
    if (span.op == Operator::kAttention) attending.push_back(*span.executed_block);
    RC_ASSERT(seen.emplace(span.executed_block.value_or(-1), span.op).second);
  }
  RC_ASSERT(static_cast<int64_t>(attending.size()) == ExecutedBlocks(spec));
  for (size_t i = 0; i < attending.size(); ++i) RC_ASSERT(attending[i] == static_cast<int64_t>(i));
  RC_ASSERT(profile.spans().front().op == Operator::kEmbedding);
  RC_ASSERT(profile.spans().back().op == Operator::kHead);
}

// A stopwatch that also waits: what passes between two operators belongs to the second.
TEST(ProfileTest, TimeIsOfTheOperatorThatEnds) {
  Profile profile;
  profile.BeginPass(7, 1);
  profile.End(Operator::kEmbedding, Bytes(4));
  const auto waited_from = profile.spans().back().end;
  while (Between(waited_from, Profile::Clock::now()) < Milliseconds(1)) {
  }
  profile.EnterBlock(3);
  profile.End(Operator::kQkv, Bytes(8));
  EXPECT_GE(profile.spans()[1].time(), Milliseconds(1));
  EXPECT_EQ(profile.spans()[1].executed_block, 3);
  EXPECT_EQ(profile.spans()[0].executed_block, std::nullopt);
  profile.Clear();
  EXPECT_TRUE(profile.spans().empty());
  EXPECT_TRUE(profile.passes().empty());
}

TEST(ProfileTest, WithoutAProfileNothingIsRecorded) {
  const ModelSpec spec = SmallSpec();
  const Weights weights = SmallWeights(spec, 1);
  ThreadPool pool(1);
  Decoder decoder(weights, pool, 4);
  Profile profile;
  decoder.set_profile(&profile);
  (void)decoder.Forward(SomeTokens(spec, 1), Logits::kLast);
  const size_t spans = profile.spans().size();
  decoder.set_profile(nullptr);
  (void)decoder.Forward(SomeTokens(spec, 1), Logits::kLast);
  EXPECT_EQ(profile.spans().size(), spans);
  EXPECT_EQ(profile.passes().size(), 1U);
}

}  // namespace
}  // namespace deepthin::runtime

#include "explorer/whatif/crossover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/costmodel/random_problem.h"
#include "tests/explorer/whatif/preset_question.h"

namespace deepthin::explorer {
namespace {

Axis Parse(const SocSpec& soc, const std::string& text) { return ParseAxis(soc, text, {}); }

Faster FasterAt(const Question& first, const Question& second, const Axis& axis, double at) {
  Question a = first;
  Question b = second;
  Apply(a, axis.parameter, {.number = at, .text = {}});
  Apply(b, axis.parameter, {.number = at, .text = {}});
  return FasterOf(DecodeOf(a).time, DecodeOf(b).time);
}

// More bytes of weights but fewer of KV for each token: slower at first, faster in the end.
const char* const kFewKvHeads = "mobilellm-125m:n_kv_heads=1,d_ff=1792";

TEST(Crossovers, AreExactToTheToken) {
  const Question gqa = About("mobilellm-125m");
  const Question mqa = About(kFewKvHeads);
  const Axis axis = Parse(gqa.problem.soc, "context=16..16384:3");
  const auto found = Crossovers(gqa, mqa, axis, Metric::kDecode);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].before, Faster::kFirst);
  EXPECT_EQ(found[0].after, Faster::kSecond);
  EXPECT_EQ(FasterAt(gqa, mqa, axis, found[0].at), Faster::kSecond);
  EXPECT_NE(FasterAt(gqa, mqa, axis, found[0].at - 1), Faster::kSecond);
  // All is read from DRAM: the bytes decide. Weights differ by 30 x 576 x (3 x 256 - 2 x 2 x 64),
  // the KV of a token by 30 x 2 x 2 x 64 numbers.
  const double weights = 30.0 * 576 * (3 * 256 - 2 * 128);
  const double kv = 30.0 * 2 * 128;
  EXPECT_NEAR(found[0].at, weights / kv, 2) << "activations on chip are a little apart";
}

TEST(Crossovers, OfAModelAndItselfAreNone) {
  const Question question = About("mobilellm-125m");
  const Axis axis = Parse(question.problem.soc, "context=16..2048");
  EXPECT_THAT(Crossovers(question, question, axis, Metric::kDecode), testing::IsEmpty());
  EXPECT_EQ(FasterOf(Seconds(1), Seconds(1 + 1e-15)), Faster::kNeither);
  EXPECT_EQ(FasterOf(Seconds(1), Seconds(1 + 1e-9)), Faster::kFirst);
}

TEST(Crossovers, FindWhatLiesBetweenTwoValues) {
  // 40 distinct blocks against 30 that are executed twice: the repeats have to be free to win.
  const Question distinct = About("mobilellm-125m:n_blocks=40");
  const Question shared = About("mobilellm-ls-125m");
  const Axis axis = Parse(distinct.problem.soc, "sram.capacity=1MiB..64MiB:2");
  const auto found = Crossovers(distinct, shared, axis, Metric::kDecode);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].after, Faster::kSecond);
  EXPECT_EQ(FasterAt(distinct, shared, axis, found[0].at), Faster::kSecond);
  EXPECT_EQ(FasterAt(distinct, shared, axis, found[0].at - 1), Faster::kFirst);
}

TEST(Crossovers, OnAxesOfFractionsEndAtNeighbours) {
  // Many executed blocks want small fixed costs, many bytes a fast memory.
  const Question deep = About("mobilellm-125m");
  const Question wide =
      About("mobilellm-125m:n_blocks=12,d_model=960,n_heads=15,n_kv_heads=5,d_ff=2560");
  const Axis axis = Parse(deep.problem.soc, "fixed.per_executed_block=0us..1ms");
  const auto found = Crossovers(deep, wide, axis, Metric::kDecode);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].after, Faster::kSecond);
  EXPECT_LT(std::abs(found[0].first_time / found[0].second_time - 1), 1e-9);
}

// Every token is asked, and the list compared.
RC_GTEST_PROP(Crossovers, OverTheContextAreComplete, ()) {
  Problem problem = costmodel::AnyProblem();
  for (MemoryLevel& level : problem.soc.levels) level.replacement = Replacement::kLru;
  Problem other = problem;
  other.model = costmodel::AnyModel();
  const Question first = {.problem = problem, .context = {}};
  const Question second = {.problem = other, .context = {}};
  const int64_t high = costmodel::Pick(2, 60);
  const Axis axis = Parse(problem.soc, "context=1.." + std::to_string(high) + ":2");
  std::vector<double> expected;
  Faster last = FasterAt(first, second, axis, 1);
  for (int64_t at = 2; at <= high; ++at) {
    const Faster here = FasterAt(first, second, axis, static_cast<double>(at));
    if (here != last) expected.push_back(static_cast<double>(at));
    last = here;
  }
  std::vector<double> found;
  for (const Crossover& crossover : Crossovers(first, second, axis, Metric::kDecode)) {
    found.push_back(crossover.at);
  }
  RC_ASSERT(found == expected);
}

}  // namespace
}  // namespace deepthin::explorer

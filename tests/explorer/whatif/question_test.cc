#include "explorer/whatif/question.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "costmodel/estimator.h"
#include "tests/costmodel/random_problem.h"
#include "tests/explorer/whatif/preset_question.h"

namespace deepthin::explorer {
namespace {

RC_GTEST_PROP(Ask, SaysWhatEstimateSays, ()) {
  const Problem problem = costmodel::AnyProblem();
  const CostEstimate estimate = costmodel::Estimate(problem);
  const Answer answer = Ask({.problem = problem, .context = {}});
  RC_ASSERT(answer.decode == estimate.decode.time);
  RC_ASSERT(answer.decode_dram == estimate.decode.dram_bytes);
  RC_ASSERT(answer.prefill == estimate.prefill.time);
  RC_ASSERT(answer.prefill_dram == estimate.prefill.dram_bytes);
  RC_ASSERT(answer.peak_memory == estimate.peak_memory);
  RC_ASSERT(answer.fits_memory == estimate.fits_memory);
  RC_ASSERT(answer.limited_by == estimate.decode.limited_by);
}

TEST(Ask, AContextMovesTheTokenAndNotThePrompt) {
  Question question = About("mobilellm-125m");
  const Answer before = Ask(question);
  question.context = 1'000;
  const Answer after = Ask(question);
  EXPECT_EQ(after.prefill, before.prefill);
  // The KV cache of 1000 tokens instead of 80, of 30 blocks with 2 x 192 numbers of 2 bytes.
  EXPECT_EQ(after.decode_dram - before.decode_dram, Bytes((1'000 - 80) * 30 * 2 * 192 * 2));
  EXPECT_EQ(after.peak_memory - before.peak_memory, Bytes((1'001 - 96) * 30 * 2 * 192 * 2));
  Problem at = question.problem;
  at.workload = {.prompt_tokens = 1'000, .generated_tokens = 1, .batch = 1};
  EXPECT_EQ(after.decode, costmodel::Estimate(at).decode.time);
}

TEST(Ask, RefusesWhatTheModelRefuses) {
  Question question = About("mobilellm-125m");
  question.context = 2'048;  // and 32 tokens to come
  EXPECT_THROW(Ask(question), InputError);
}

}  // namespace
}  // namespace deepthin::explorer

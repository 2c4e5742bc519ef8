#include "explorer/choose.h"

#include <gtest/gtest.h>

#include "tests/explorer/candidate_builder.h"

namespace deepthin::explorer {
namespace {

std::vector<std::string> Labels(const Choice& choice) {
  std::vector<std::string> labels;
  for (const Candidate& candidate : choice.front) labels.push_back(candidate.label);
  return labels;
}

TEST(Choose, KeepsTheFrontOfShortDecodeAndHighScoreFastestFirst) {
  const auto choice =
      Choose({MakeCandidate("slow and good", 30, 0.020, 9),
              MakeCandidate("slow and bad", 30, 0.021, 8), MakeCandidate("fast", 30, 0.010, 5)},
             {});
  EXPECT_EQ(Labels(choice), (std::vector<std::string>{"fast", "slow and good"}));
  EXPECT_EQ(choice.considered, 3);
}

TEST(Choose, CountsWhatItCannotJudge) {
  Candidate no_score = MakeCandidate("no score", 30, 0.01, 1);
  no_score.score.reset();
  Candidate no_estimate = MakeCandidate("no estimate", 30, 0.01, 1);
  no_estimate.estimate.reset();
  const auto choice = Choose({no_score, no_estimate}, {});
  EXPECT_EQ(choice.incomplete, 2);
  EXPECT_TRUE(choice.front.empty());
}

TEST(IsWithin, EachBoundIsTight) {
  const Candidate candidate = MakeCandidate("x", 30, 0.010, 1);
  const int64_t params = CountParams(candidate.problem->model).matrices();  // 124,600,320
  EXPECT_TRUE(IsWithin({.params = params, .params_tolerance = 0}, candidate));
  EXPECT_FALSE(IsWithin({.params = params + 1, .params_tolerance = 0}, candidate));
  EXPECT_TRUE(IsWithin({.params = 2 * params, .params_tolerance = 0.5}, candidate));
  EXPECT_FALSE(IsWithin({.params = 2 * params, .params_tolerance = 0.4999}, candidate));
  EXPECT_TRUE(IsWithin({.decode = Seconds(0.010)}, candidate));
  EXPECT_FALSE(IsWithin({.decode = Seconds(0.00999)}, candidate));
  EXPECT_TRUE(IsWithin({.prefill = Seconds(0.10)}, candidate));
  EXPECT_FALSE(IsWithin({.prefill = Seconds(0.0999)}, candidate));
  EXPECT_TRUE(IsWithin({.memory = MiB(300)}, candidate));
  EXPECT_FALSE(IsWithin({.memory = MiB(300) - Bytes(1)}, candidate));
  EXPECT_TRUE(IsWithin({.soc = "iphone-13"}, candidate));
  EXPECT_FALSE(IsWithin({.soc = "pixel-8"}, candidate));
}

}  // namespace
}  // namespace deepthin::explorer

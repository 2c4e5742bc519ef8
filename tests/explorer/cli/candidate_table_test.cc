#include "explorer/cli/candidate_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/explorer/candidate_builder.h"

namespace deepthin::explorer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CandidateTableTest, ColumnsWithoutSamplesAreLeftOut) {
  Candidate candidate = MakeCandidate("x", 30, 0.01, 7);
  candidate.measurement.emplace();
  EXPECT_THAT(CandidateTable({candidate}),
              AllOf(HasSubstr("estimated ms/token"), Not(HasSubstr("measured ms/token"))));
  candidate.measurement->decode_s_per_token = {0.25};
  EXPECT_THAT(CandidateTable({candidate}),
              AllOf(HasSubstr("250.00"), Not(HasSubstr("measured TTFT ms"))));
}

}  // namespace
}  // namespace deepthin::explorer

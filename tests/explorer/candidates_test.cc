#include "explorer/candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "results/in_memory_store.h"
#include "tests/explorer/candidate_builder.h"

namespace deepthin::explorer {
namespace {

using ::testing::ElementsAre;

results::Trial TrialOf(const std::string& evaluator, results::Outcome outcome,
                       const std::string& key) {
  return {.key = key,
          .evaluator = evaluator,
          .identity = "{}",
          .started_at = "2026-01-01T00:00:00.000Z",
          .duration = Seconds(0),
          .outcome = std::move(outcome)};
}

results::SweepRecord SweepNamed(const std::string& name) {
  return {.hash = name,
          .name = name,
          .definition = "{}",
          .evaluators = {"score", "estimate"},
          .created_at = "2026-01-01T00:00:00.000Z"};
}

TEST(ToCandidate, SaysOnceWhyAPointIsInfeasibleAndWhatFailed) {
  const results::Infeasible reason{.reason = "too large", .needed = {}, .available = {}};
  results::PointResult result{.point = {.index = 0, .label = "x", .problem = reason}, .trials = {}};
  result.trials.emplace("score", TrialOf("score", reason, "1"));
  result.trials.emplace("estimate", TrialOf("estimate", reason, "2"));
  result.trials.emplace("measure", TrialOf("measure", results::Failure{"killed"}, "3"));
  const Candidate candidate = ToCandidate("s", result);
  EXPECT_FALSE(candidate.problem.has_value());
  EXPECT_THAT(candidate.remarks, ElementsAre("infeasible: too large", "measure failed: killed"));
}

// As where decoding alone was measured, from given positions on, or nothing came of it.
TEST(CandidateTest, WithoutSamplesTheirStatisticsAreLeftOut) {
  Candidate candidate = MakeCandidate("x", 30, 0.01, 7);
  candidate.measurement.emplace();
  const auto cell = [&](const std::string& column) {
    const auto names = CsvColumns();
    const auto found = std::find(names.begin(), names.end(), column);
    return CsvRow(candidate).at(static_cast<size_t>(found - names.begin()));
  };
  EXPECT_EQ(cell("measured_decode_median_s"), "");
  EXPECT_EQ(cell("measured_decode_mad_s"), "");
  EXPECT_FALSE(ToJson(candidate).contains("measured_decode_median_s"));

  candidate.measurement->decode_s_per_token = {0.25};
  EXPECT_EQ(cell("measured_decode_median_s"), "0.25");
  EXPECT_EQ(cell("measured_prefill_median_s"), "");
  EXPECT_EQ(ToJson(candidate)["measured_decode_median_s"], 0.25);
}

TEST(AllCandidates, AProblemOfTwoSweepsIsOneCandidateWithBothOutcomes) {
  const Candidate model = MakeCandidate("same", 30, 0.01, 7);
  results::InMemoryStore store;
  const results::Point point{.index = 0, .label = "same", .problem = *model.problem};
  for (const char* sweep : {"a", "b"}) store.PutSweep(SweepNamed(sweep), {&point, 1});
  const results::PointTrial score{0, TrialOf("score", *model.score, "1")};
  const results::PointTrial estimate{0, TrialOf("estimate", *model.estimate, "2")};
  store.PutTrials("a", {&score, 1});
  store.PutTrials("b", {&estimate, 1});
  const auto all = AllCandidates(store);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].score, model.score);
  EXPECT_EQ(all[0].estimate, model.estimate);
}

TEST(CsvRow, HasACellForEachColumn) {
  const Candidate candidate = MakeCandidate("x, y", 30, 0.01, 7);
  ASSERT_EQ(CsvRow(candidate).size(), CsvColumns().size());
  std::map<std::string, std::string> cells;
  for (size_t i = 0; i < CsvColumns().size(); ++i) {
    cells[CsvColumns()[i]] = CsvRow(candidate)[i];
  }
  EXPECT_EQ(cells.at("label"), "x, y");
  EXPECT_EQ(cells.at("estimated_decode_s"), "0.01");
  EXPECT_EQ(cells.at("measured_decode_median_s"), "");
  EXPECT_EQ(cells.at("params_matrices"), "124600320");
}

}  // namespace
}  // namespace deepthin::explorer

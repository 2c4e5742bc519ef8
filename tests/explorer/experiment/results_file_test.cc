#include "explorer/experiment/results_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "results/in_memory_store.h"
#include "tests/explorer/experiment/tiny_experiment.h"
#include "tests/runtime/error_text.h"

namespace deepthin::explorer {
namespace {

using runtime::ErrorText;
using ::testing::HasSubstr;
using ::testing::SizeIs;

double SomeLoss(const ExperimentSweep& sweep, const results::Point& point) {
  return 3 + 0.1 * static_cast<double>(point.index) + 1e-3 * static_cast<double>(sweep.seed) / 3;
}

ExperimentResults Some() { return ResultsWith(TinyExperiment(), SomeLoss); }

TEST(ResultsFile, ReadsBackWhatWasWritten) {
  const ExperimentResults results = Some();
  ASSERT_THAT(results.rows, SizeIs(3 * 2 + 3 * 9 + 3));
  const std::string text = ResultsText(results);
  const ExperimentResults again = ResultsFromText(text, "r.jsonl");
  EXPECT_EQ(again.experiment, results.experiment);
  EXPECT_EQ(again.rows, results.rows);
  EXPECT_EQ(ResultsText(again), text);
}

TEST(ResultsFile, HoldsASample) {
  ExperimentResults results = Some();
  const std::string without = ResultsText(results);
  EXPECT_FALSE(ResultsFromText(without, "r.jsonl").sample);
  results.sample = SampleOf(results.rows[10], " \"Ishmael\".\n\u00e9\uFFFD");
  const std::string text = ResultsText(results);
  EXPECT_EQ(text.substr(0, without.size()), without);
  const ExperimentResults again = ResultsFromText(text, "r.jsonl");
  EXPECT_EQ(again.sample, results.sample);
  EXPECT_EQ(again.rows, results.rows);
  EXPECT_EQ(ResultsText(again), text);
}

TEST(ResultsFile, ASampleIsOfARunInTheFile) {
  const auto error = [](const std::string& text) {
    return ErrorText<InputError>([&] { static_cast<void>(ResultsFromText(text, "r.jsonl")); });
  };
  ExperimentResults results = Some();
  results.sample = SampleOf(results.rows.back(), "x");
  const std::string text = ResultsText(results);
  const std::string line = text.substr(text.rfind('\n', text.size() - 2) + 1);
  EXPECT_THAT(error(text + line), HasSubstr("line 39: is a second sample"));
  Json json = ParseJson(line, "line");
  json["sample"]["point"] = 99;
  const std::string without = text.substr(0, text.size() - line.size());
  EXPECT_THAT(error(without + json.dump()), HasSubstr("line 38: /sample/point: is 99"));
  json["sample"].erase("seed");
  json["sample"]["point"] = 0;
  EXPECT_THAT(error(without + json.dump()), HasSubstr("line 38: /sample: lacks seed"));
  EXPECT_THAT(error(without + "{\"sample\": 3}"), HasSubstr("line 38: /sample: lacks sweep"));
  results.rows.pop_back();
  EXPECT_THAT(error(ResultsText(results)), HasSubstr("r.jsonl: /sample: is of 62x384 in 'tiny "));
  results = Some();
  results.sample = SampleOf(results.rows.back(), "x");
  std::get<TrainingRecord>(results.rows.back().trial.outcome).diverged = true;
  EXPECT_THAT(error(ResultsText(results)), HasSubstr("a run with a validation loss"));
}

TEST(ResultsFile, MakesTheStoreAgainFromAnyPartAndTwiceChangesNothing) {
  ExperimentResults results = Some();
  results.rows.erase(results.rows.begin() + 5, results.rows.begin() + 20);
  results::InMemoryStore store;
  IntoStore(results, store);
  EXPECT_THAT(store.Sweeps(), SizeIs(results.sweeps.size()));
  EXPECT_EQ(ResultsFromStore(TinyExperiment(), store).rows, results.rows);
  IntoStore(results, store);
  EXPECT_EQ(ResultsFromStore(TinyExperiment(), store).rows, results.rows);
  // What came later is added.
  IntoStore(Some(), store);
  EXPECT_EQ(ResultsFromStore(TinyExperiment(), store).rows, Some().rows);
}

TEST(ResultsFile, LeavesOutWhatFailed) {
  ExperimentResults results = Some();
  results.rows[3].trial.outcome = results::Failure{.message = "out of luck"};
  results::InMemoryStore store;
  IntoStore(results, store);
  EXPECT_THAT(ResultsFromStore(TinyExperiment(), store).rows, SizeIs(results.rows.size() - 1));
}

TEST(ResultsFile, KeepsDesignsThatCannotBeTrained) {
  ExperimentResults results = Some();
  results.rows[3].trial.outcome =
      results::Infeasible{.reason = "too thin", .needed = {}, .available = {}};
  EXPECT_EQ(ResultsFromText(ResultsText(results), "r").rows, results.rows);
}

// Every beginning of a file, and every line with something else in it: a sentence or rows.
TEST(ResultsFile, DamageIsSaidWithItsLine) {
  const std::string text = ResultsText(Some());
  const auto error = [](const std::string& damaged) {
    return ErrorText<InputError>([&] { static_cast<void>(ResultsFromText(damaged, "r.jsonl")); });
  };
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string out = text;
    const size_t at = out.rfind(from);
    EXPECT_NE(at, std::string::npos) << from;
    return out.replace(at, from.size(), to);
  };
  EXPECT_THAT(error(""), HasSubstr("r.jsonl: is empty"));
  EXPECT_THAT(error("{}\n"), HasSubstr("line 1: lacks experiment"));
  EXPECT_THAT(error(text.substr(0, text.size() - 9)), HasSubstr("line 37"));
  EXPECT_THAT(error(replaced("\"point\":8", "\"point\":9")), HasSubstr("/point: is 9"));
  EXPECT_THAT(error(replaced("\"point\":8", "\"point\":-1")), HasSubstr("/point: is -1"));
  const std::string last_line = text.substr(text.rfind('\n', text.size() - 2) + 1);
  EXPECT_THAT(error(text + last_line), HasSubstr("has two runs of 62x384"));
  EXPECT_THAT(error(replaced("tiny depth lr=0.004 seed=3", "tiny x")), HasSubstr("/sweep"));
  EXPECT_THAT(error(replaced("\"started_at\"", "\"begun_at\"")), HasSubstr("lacks started_at"));
  EXPECT_THAT(error(replaced("\"steps\":10", "\"steps\":-10")), HasSubstr("training"));
  EXPECT_THAT(error(replaced("\"n_blocks\":62", "\"n_blocks\":0")),
              HasSubstr("/training/model: is not"));
  EXPECT_THAT(error(replaced("\"validation_loss\":3.", "\"validation_loss\":\"3.")),
              HasSubstr("line"));
  for (size_t length = 0; length < text.size(); length += 101) {
    static_cast<void>(error(text.substr(0, length)));  // an InputError or none: nothing else
  }
}

}  // namespace
}  // namespace deepthin::explorer

// Runs as trained rows: what is put together, what a missing seed does, and files of every kind.
#include "explorer/experiment/trained_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "explorer/accuracy/shape_surrogate.h"
#include "results/in_memory_store.h"
#include "results/sqlite_store.h"
#include "spec/files.h"
#include "tests/explorer/experiment/tiny_experiment.h"
#include "tests/results/temporary_folder.h"
#include "tests/runtime/error_text.h"

namespace deepthin::explorer {
namespace {

using results::TemporaryFolder;
using runtime::ErrorText;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

TrainedRun RunOf(int64_t n_blocks, int64_t seed, std::optional<double> loss) {
  TrainedRun run{.name = std::to_string(n_blocks), .group = "g", .table = "t", .model = {}};
  run.model.n_blocks = n_blocks;
  run.seed = seed;
  run.loss = loss;
  return run;
}

// Model 4 has all seeds, the others some: what the seeds do to all alike is none of the model's.
TEST(RowsOfRuns, AMissingSeedDoesNotFavourAModel) {
  const std::map<int64_t, double> models = {{4, 3.0}, {5, 3.5}, {6, 2.75}, {7, 3.25}};
  const std::map<int64_t, double> seeds = {{1, -0.5}, {2, 0.0}, {3, 0.5}};
  const std::set<std::pair<int64_t, int64_t>> missing = {{5, 2}, {5, 3}, {6, 1}, {7, 1}, {7, 3}};
  std::vector<TrainedRun> runs;
  for (const auto& [blocks, of_model] : models) {
    for (const auto& [seed, of_seed] : seeds) {
      if (!missing.contains({blocks, seed}))
        runs.push_back(RunOf(blocks, seed, of_model + of_seed));
    }
  }
  const RunRows out = RowsOfRuns(runs);
  ASSERT_THAT(out.rows, SizeIs(4));
  for (const TrainedRow& row : out.rows) {
    EXPECT_NEAR(row.target, -models.at(row.model.n_blocks), 1e-9) << row.name;
  }
  ASSERT_THAT(out.deviations, SizeIs(1));
  EXPECT_NEAR(out.deviations[0].second.value, 0, 1e-9);
  EXPECT_EQ(out.deviations[0].second.degrees, 7 - 4 - 3 + 1);
}

// Of a complete table it is the deviation of summary.h, and rows are plain means.
TEST(RowsOfRuns, OfACompleteTableAgreesWithTheSummary) {
  const double losses[3][2] = {{10, 10}, {10, 14}, {13, 15}};
  std::vector<TrainedRun> runs;
  std::vector<ExperimentCell> cells;
  for (int64_t m = 0; m < 3; ++m) {
    ExperimentCell cell;
    cell.label = std::to_string(m);
    for (int64_t s = 0; s < 2; ++s) {
      runs.push_back(RunOf(4 + m, s, losses[m][s]));
      cell.losses[s] = losses[m][s];
    }
    cells.push_back(cell);
  }
  const RunRows out = RowsOfRuns(runs);
  const auto residual = ResidualDeviation(cells);
  ASSERT_TRUE(residual);
  EXPECT_NEAR(out.deviations[0].second.value, residual->value, 1e-9);
  EXPECT_EQ(out.deviations[0].second.degrees, residual->degrees);
  for (size_t m = 0; m < 3; ++m) {
    EXPECT_NEAR(out.rows[m].target, -cells[m].mean(), 1e-9);
    EXPECT_NEAR(*out.rows[m].standard_error, residual->value / std::sqrt(2.0), 1e-9);
  }
}

TEST(RowsOfRuns, SeedsThatNoModelSharesAreMeans) {
  const std::vector<TrainedRun> runs = {RunOf(4, 1, 2.0), RunOf(4, 2, 4.0), RunOf(5, 3, 5.0),
                                        RunOf(6, 4, 6.0)};
  const RunRows out = RowsOfRuns(runs);
  ASSERT_THAT(out.rows, SizeIs(3));
  EXPECT_NEAR(out.rows[1].target - out.rows[2].target, 1, 1e-9);
  EXPECT_THAT(out.deviations, IsEmpty());
  EXPECT_FALSE(out.rows[0].standard_error);
}

TEST(RowsOfRuns, WhatDivergedOnceIsNoRowAndIsNamed) {
  const RunRows out =
      RowsOfRuns(std::vector<TrainedRun>{RunOf(4, 1, 2.0), RunOf(4, 2, {}), RunOf(5, 1, 3.0)});
  ASSERT_THAT(out.rows, SizeIs(1));
  EXPECT_EQ(out.rows[0].model.n_blocks, 5);
  ASSERT_THAT(out.diverged, SizeIs(1));
  EXPECT_EQ(out.diverged[0].name, "4");
}

double LossOfBlocks(const ExperimentSweep& sweep, const results::Point& point) {
  const ModelSpec& model = std::get<Problem>(point.problem).model;
  return 4 - 0.3 * std::log(static_cast<double>(model.n_blocks)) +
         0.1 * static_cast<double>(sweep.seed) + 10 * sweep.learning_rate;
}

ExperimentResults Tiny() { return ResultsWith(TinyExperiment(), LossOfBlocks); }

TEST(RunsOf, OnlyWhatIsAlikeIsOneGroup) {
  const RunRows out = RowsOfRuns(RunsOf(Tiny(), "tiny.jsonl"));
  std::map<std::string, int64_t> groups;
  for (const TrainedRow& row : out.rows) {
    ++groups[row.group];
    EXPECT_THAT(row.name, StartsWith("tiny.jsonl: "));
    EXPECT_THAT(row.group,
                StartsWith("tiny.jsonl: 10 steps of 8 x 256 tokens, learning rate 0.00"));
  }
  // Two other learning rates of two models; with the common one these two, nine and three more.
  ASSERT_THAT(groups, SizeIs(3));
  std::vector<int64_t> sizes;
  for (const auto& [group, size] : groups) sizes.push_back(size);
  std::sort(sizes.begin(), sizes.end());
  EXPECT_EQ(sizes, (std::vector<int64_t>{2, 2, 14}));
}

TEST(RunsOf, AStoreSaysTheSameAsTheFileMadeOfIt) {
  const ExperimentResults results = Tiny();
  results::InMemoryStore store;
  IntoStore(results, store);
  const RunRows of_file = RowsOfRuns(RunsOf(results, "x"));
  const RunRows of_store = RowsOfRuns(RunsOf(store, "x"));
  const auto targets = [](const RunRows& rows) {
    std::set<std::pair<std::string, double>> out;
    for (const TrainedRow& row : rows.rows) {
      out.insert({row.group + row.name, std::round(row.target * 1e9)});
    }
    return out;
  };
  EXPECT_EQ(targets(of_store), targets(of_file));
  EXPECT_THAT(of_store.rows, SizeIs(2 * 2 + 9 + 3));  // though seeds are sweeps of their own
}

TEST(ReadRowsOfAnyKind, KnowsEveryKindByWhatIsInIt) {
  const TemporaryFolder folder;
  const ExperimentResults results = Tiny();
  WriteFileAtomically(folder.File("runs"), ResultsText(results));
  {
    const auto store =
        results::OpenSqliteStore(folder.File("store"), results::OpenMode::kCreateOrExtend);
    IntoStore(results, *store);
  }
  const std::vector<TrainedRow> rows = ReadRowsOfAnyKind(folder.File("runs"), "");
  EXPECT_THAT(rows, SizeIs(14));                                         // of the largest group
  EXPECT_THAT(ReadRowsOfAnyKind(folder.File("store"), ""), SizeIs(12));  // each model once
  WriteFileAtomically(folder.File("rows"), ToJson(rows).dump());
  EXPECT_EQ(ReadRowsOfAnyKind(folder.File("rows"), ""), rows);
  // What it is for: deeper is better here, and the surrogate has learnt it.
  const ShapeSurrogate surrogate = FitShapeSurrogate(rows);
  ModelSpec deep = rows[5].model;
  ModelSpec shallow = deep;
  deep.n_blocks = 30;
  shallow.n_blocks = 6;
  EXPECT_GT(surrogate.Predict(deep, rows[0].group).value,
            surrogate.Predict(shallow, rows[0].group).value);
}

TEST(ReadRowsOfAnyKind, RefusesInASentence) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& text, const std::string& group) {
    WriteFileAtomically(folder.File("x"), text);
    return ErrorText<InputError>(
        [&] { static_cast<void>(ReadRowsOfAnyKind(folder.File("x"), group)); });
  };
  ExperimentResults results = Tiny();
  EXPECT_THAT(error(ResultsText(results), "long"), HasSubstr("has no group 'long'"));
  results.rows[3].trial.identity = "[]";
  EXPECT_THAT(error(ResultsText(results), ""), HasSubstr("has no run"));
  results.rows.clear();
  EXPECT_THAT(error(ResultsText(results), ""), HasSubstr("has no finished run"));
  EXPECT_THAT(error("SQLite format 3, or not", ""), HasSubstr("x"));
  const std::string text = ResultsText(Tiny());
  for (size_t length = 0; length < text.size(); length += 1009) {
    static_cast<void>(error(text.substr(0, length), ""));  // a sentence or none: nothing else
  }
}

}  // namespace
}  // namespace deepthin::explorer

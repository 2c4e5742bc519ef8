// The sample: of the best run's weights, read from their folder, the same each time.
#include "explorer/experiment/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/checkpoint/gguf.h"
#include "runtime/checkpoint/vocabulary_files.h"
#include "spec/files.h"
#include "spec/model_argument.h"
#include "tests/explorer/experiment/tiny_experiment.h"
#include "tests/results/temporary_folder.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;

// The run with the index 4 is the best one, but for one that diverged.
ExperimentResults Some() {
  ExperimentResults results =
      ResultsWith(TinyExperiment(), [](const auto&, const auto&) { return 3.0; });
  results.rows[2].trial.outcome = results::Infeasible{.reason = "", .needed = {}, .available = {}};
  auto& diverged = std::get<TrainingRecord>(results.rows[3].trial.outcome);
  diverged.diverged = true;
  diverged.validation_loss = 0.5;
  std::get<TrainingRecord>(results.rows[4].trial.outcome).validation_loss = 2.5;
  return results;
}

class SampleTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string WeightsFile(const ExperimentRow& row) const {
    return folder_.File(row.trial.key) + "/model.gguf";
  }
  void PutWeights(const ExperimentRow& row, uint64_t seed) {
    std::filesystem::create_directories(folder_.File(row.trial.key));
    runtime::ThreadPool pool(1);
    const ModelSpec spec = ModelFromArgument(
        "mobilellm-125m:n_blocks=2,d_model=16,n_heads=2,n_kv_heads=1,head_dim=8,d_ff=24,"
        "vocab_size=259");
    runtime::WriteGguf(runtime::RandomWeights(spec, seed, pool), runtime::ByteVocabulary(),
                       WeightsFile(row));
  }
  [[nodiscard]] std::optional<ExperimentSample> Sample() const {
    return SampleOfBestRun(results_, folder_.File(""));
  }

  results::TemporaryFolder folder_;
  ExperimentResults results_ = Some();
};

TEST_F(SampleTest, IsOfTheBestRun) {
  ASSERT_EQ(BestRun(results_), &results_.rows[4]);
  for (const size_t i : {0, 3, 4, 5}) PutWeights(results_.rows[i], i + 1);
  const auto sample = Sample();
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->sweep, results_.rows[4].sweep);
  EXPECT_EQ(sample->point, results_.rows[4].point);
  // Random bytes are hardly ever a text: what is none of it is replaced.
  EXPECT_THAT(sample->text, HasSubstr("\uFFFD"));
  EXPECT_NO_THROW(static_cast<void>(Json(sample->text).dump()));
  EXPECT_EQ(Sample(), sample);
  PutWeights(results_.rows[4], 77);
  EXPECT_NE(Sample()->text, sample->text);
}

TEST_F(SampleTest, IsAbsentWithoutTheWeights) {
  EXPECT_FALSE(Sample());
  PutWeights(results_.rows[5], 1);
  EXPECT_FALSE(Sample()) << "of another run";
  results_.rows.resize(4);
  results_.rows.erase(results_.rows.begin(), results_.rows.begin() + 2);
  EXPECT_EQ(BestRun(results_), nullptr);
  EXPECT_FALSE(Sample());
}

TEST_F(SampleTest, DamagedWeightsAreSaid) {
  PutWeights(results_.rows[4], 1);
  const std::string file = WeightsFile(results_.rows[4]);
  WriteFileAtomically(file, ReadFile(file).substr(0, 1000));
  EXPECT_THROW(static_cast<void>(Sample()), InputError);
}

}  // namespace
}  // namespace deepthin::explorer

// Runs that stop and go on, and files that are not what a trainer wrote.
#include "runtime/trainer/training_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/trainer/trainer.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "spec/json_io.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/test_models.h"
#include "tests/runtime/trainer/training_models.h"

namespace deepthin::runtime {
namespace {

using testing::HasSubstr;

constexpr int64_t kSteps = 9;

TrainingOptions Options() {
  return {.shape = {.sequences = 2, .length = 11},
          .rate = {.steps = kSteps, .warmup_steps = 3, .peak = 0.01}};
}

std::string PathOf(const std::string& name) { return testing::TempDir() + "/" + name; }

std::vector<double> LossesOf(Trainer& trainer, int64_t until) {
  std::vector<double> losses;
  while (trainer.step() < until) {
    const auto seed = static_cast<uint32_t>(trainer.step());
    losses.push_back(trainer.Step(RandomBatch(trainer.spec(), trainer.options().shape, seed)).loss);
  }
  return losses;
}

TEST(TrainingFileTest, ARunGoesOnToTheSameBits) {
  ThreadPool pool(2);
  const Weights initial = SmallWeights(SmallSpec(), 1);
  Trainer whole(initial, Options(), pool);
  const std::vector<double> losses = LossesOf(whole, kSteps);
  const std::string in_one_go = PathOf("in_one_go.train");
  whole.Save(in_one_go);

  const std::string in_parts = PathOf("in_parts.train");
  Trainer begun(initial, Options(), pool);
  begun.Save(in_parts);
  std::vector<double> losses_in_parts;
  for (const int64_t until : {int64_t{4}, int64_t{5}, kSteps}) {
    ThreadPool another(until % 2 + 1);
    Trainer trainer = Trainer::Resume(in_parts, another);
    for (const double loss : LossesOf(trainer, until)) losses_in_parts.push_back(loss);
    trainer.Save(in_parts);
  }
  EXPECT_EQ(losses_in_parts, losses);
  EXPECT_EQ(ReadFile(in_parts), ReadFile(in_one_go));
}

TEST(TrainingFileTest, HoldsWhatItWasGiven) {
  ThreadPool pool(1);
  Trainer trainer(SmallWeights(SmallSpec(), 1), Options(), pool);
  LossesOf(trainer, 2);
  const std::string path = PathOf("holds.train");
  trainer.Save(path);
  const TrainingFile run = ReadTrainingFile(path);
  EXPECT_EQ(run.state, (TrainingState{SmallSpec(), Options(), 2, 2}));
  const Weights weights = trainer.Copy();
  EXPECT_TRUE(std::ranges::equal(run.parameters.first(F32Values(weights.embedding).size()),
                                 F32Values(weights.embedding)));
}

// A message where the file is cut anywhere or a byte of its head is another; never a crash.
TEST(TrainingFileTest, RefusesFilesThatAreNotWhole) {
  ThreadPool pool(1);
  Trainer trainer(SmallWeights(SmallSpec(), 1), Options(), pool);
  const std::string path = PathOf("whole.train");
  const std::string bad = PathOf("bad.train");
  trainer.Save(path);
  const std::string whole = ReadFile(path);
  const auto error = [&](const std::string& content) {
    WriteFileAtomically(bad, content);
    return ErrorText<InputError>([&] { static_cast<void>(ReadTrainingFile(bad)); });
  };
  EXPECT_EQ(error(whole), "");
  EXPECT_THAT(error(""), HasSubstr("is no training run"));
  for (size_t size = 1; size < whole.size(); size = size * 3 / 2 + 1) {
    EXPECT_THAT(error(whole.substr(0, size)), HasSubstr("bad.train")) << size;
  }
  EXPECT_THAT(error(whole + "x"), HasSubstr("1 bytes too many"));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string content = whole;
    return error(content.replace(content.find(from), from.size(), to));
  };
  EXPECT_THAT(replaced("DTTRAIN1", "DTTRAIN2"), HasSubstr("is no training run"));
  EXPECT_THAT(replaced("\"step\":0", "\"step\":-"), HasSubstr("bad.train"));
  EXPECT_THAT(replaced("\"sequences\":2", "\"sequences\":0"), HasSubstr("/options: sequences"));
  EXPECT_THAT(replaced("\"n_heads\":6", "\"n_heads\":5"), HasSubstr("/model/n_"));
  EXPECT_THAT(replaced("\"updates\":0", "\"updates\":1"), HasSubstr("/updates: is 1"));
}

// Every member has a field.
TEST(TrainingFileTest, StateComesBackFromJson) {
  TrainingState state = {SmallSpec(), Options(), 5, 4};
  state.options.rate.final_share = 0.2;
  state.options.adamw = {.beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-6, .decay = 0.3};
  state.options.clip_norm = 2;
  state.options.parametrisation = Parametrisation::kStandard;
  EXPECT_EQ(FromJson<TrainingState>(ToJson(state), {}), state);
}

}  // namespace
}  // namespace deepthin::runtime

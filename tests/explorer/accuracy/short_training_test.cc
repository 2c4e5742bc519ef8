// Short training: the score is the loss of the run, whatever the run went through.
#include "explorer/accuracy/short_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "explorer/accuracy/learning_curve.h"
#include "explorer/accuracy/proxy_table.h"
#include "explorer/loss_curve.h"
#include "runtime/checkpoint/vocabulary_files.h"
#include "spec/files.h"
#include "tests/results/temporary_folder.h"
#include "tests/runtime/error_text.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;

ModelSpec Model() {
  return {.vocab_size = 1000,
          .d_model = 16,
          .n_blocks = 2,
          .n_heads = 2,
          .n_kv_heads = 1,
          .head_dim = 8,
          .d_ff = 24,
          .max_seq_len = 64};
}

class ShortTrainingTest : public ::testing::Test {
 protected:
  ShortTrainingTest() {
    std::string text;
    for (int i = 0; i < 300; ++i) text += "the whale and " + std::to_string(i * i % 17) + " men\n";
    WriteFileAtomically(folder_.File("text.txt"), text);
  }

  [[nodiscard]] Json Settings(const Json& more = Json::object()) const {
    Json settings = {{"steps", 40},
                     {"seeds", 2},
                     {"sequences", 2},
                     {"length", 16},
                     {"runs", folder_.File("runs")}};
    settings.update(more);
    return settings;
  }
  [[nodiscard]] std::unique_ptr<Proxy> Make(const Json& settings,
                                            std::function<bool()> should_stop = {}) const {
    ProxyContext context;
    context.texts = {folder_.File("text.txt")};
    context.should_stop = std::move(should_stop);
    return MakeProxy("short_training", settings, {"a.json", "/s"}, context);
  }
  [[nodiscard]] ProxyScore ScoreOf(const Json& more = Json::object()) const {
    return Make(Settings(more))->Score(Model());
  }
  // Of the runs there are, in no order.
  [[nodiscard]] std::vector<std::vector<CurvePoint>> Curves() const {
    std::vector<std::vector<CurvePoint>> curves;
    for (const auto& run : std::filesystem::directory_iterator(folder_.File("runs"))) {
      const std::string path = run.path() / "curve.jsonl";
      std::string text = ReadFile(path);
      const auto lines = std::count(text.begin(), text.end(), '\n');
      curves.push_back(ReadCurve(path, lines - 1));
    }
    return curves;
  }

  results::TemporaryFolder folder_;
};

TEST_F(ShortTrainingTest, IsTheMeanOfTheLastValidationLosses) {
  const ProxyScore score = ScoreOf();
  double sum = 0;
  std::vector<double> losses;
  for (const auto& curve : Curves()) {
    EXPECT_EQ(curve.back().step, 40);
    losses.push_back(curve.back().validation_loss.value());
    EXPECT_LT(losses.back(), curve.front().validation_loss.value());
    sum += losses.back();
  }
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_DOUBLE_EQ(score.value, -sum / 2);
  EXPECT_NEAR(score.standard_error.value(), std::abs(losses[0] - losses[1]) / 2, 1e-12);
  EXPECT_TRUE(score.in_domain);
  EXPECT_THAT(score.method, HasSubstr("40 steps of 2 x 16 tokens, 2 seeds"));
}

TEST_F(ShortTrainingTest, GoesOnWhereItWasStopped) {
  const ProxyScore whole = ScoreOf();
  for (const int after : {0, 7, 55}) {
    const Json settings = Settings({{"runs", folder_.File("parts" + std::to_string(after))}});
    int asked = 0;
    const auto stopped = Make(settings, [&] { return asked++ >= after; });
    EXPECT_THROW(static_cast<void>(stopped->Score(Model())), ProxyContext::Stopped);
    EXPECT_EQ(Make(settings)->Score(Model()), whole);
  }
}

// Checkpoints are made every 100 steps.
TEST_F(ShortTrainingTest, GoesOnWhereItWasKilled) {
  const Json more = {{"steps", 700}, {"seeds", 1}};
  const Json settings = Settings(more);
  const auto has_checkpoint = [&] {
    std::error_code error;
    for (const auto& run : std::filesystem::directory_iterator(folder_.File("runs"), error)) {
      const auto size = std::filesystem::file_size(run.path() / "curve.jsonl", error);
      if (!error && size > 10'000) return true;
    }
    return false;
  };
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    static_cast<void>(Make(settings)->Score(Model()));
    ::_exit(0);
  }
  while (!has_checkpoint()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended before it could be killed: no test";
  const ProxyScore after = ScoreOf(more);
  ASSERT_EQ(Curves().size(), 1u);
  EXPECT_EQ(after, ScoreOf({{"steps", 700}, {"seeds", 1}, {"runs", folder_.File("undisturbed")}}));
}

// Two processes at once: the second is refused while the first is at work in the run's folder, and
// what the first comes to is what it would have come to alone. The first is held in its 30th step.
TEST_F(ShortTrainingTest, TwoProcessesDoNotTrainInOneFolder) {
  const Json settings = Settings({{"seeds", 1}});
  std::array<int, 2> began{};
  std::array<int, 2> go_on{};
  ASSERT_EQ(::pipe(began.data()), 0);
  ASSERT_EQ(::pipe(go_on.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(go_on[1]);  // so that the end of the parent is the end of waiting
    int asked = 0;
    const auto wait = [&] {
      char byte = 0;
      if (++asked == 30) {
        static_cast<void>(::write(began[1], &byte, 1) + ::read(go_on[0], &byte, 1));
      }
      return false;
    };
    static_cast<void>(Make(settings, wait)->Score(Model()));
    ::_exit(0);
  }
  ::close(began[1]);  // a child that fails is the end of this file, not a wait for ever
  char byte = 0;
  ASSERT_EQ(::read(began[0], &byte, 1), 1);
  EXPECT_THAT(runtime::ErrorText<EnvironmentError>(
                  [&] { static_cast<void>(Make(settings)->Score(Model())); }),
              HasSubstr(": another process is training in it"));
  // In the folder of another seed there is room.
  EXPECT_NO_THROW(static_cast<void>(ScoreOf({{"seeds", 1}, {"seed", 2}})));
  ASSERT_EQ(::write(go_on[1], &byte, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  for (const int fd : {began[0], go_on[0], go_on[1]}) ::close(fd);
  const ProxyScore after = ScoreOf({{"seeds", 1}});
  EXPECT_EQ(after, ScoreOf({{"seeds", 1}, {"runs", folder_.File("undisturbed")}}));
}

TEST_F(ShortTrainingTest, ADivergedRunHasLearntNothing) {
  const ProxyScore score = ScoreOf({{"rate", 1e30}, {"parametrisation", "standard"}});
  EXPECT_DOUBLE_EQ(score.value, -std::log(259.0));
  EXPECT_FALSE(score.in_domain);
  EXPECT_THAT(score.method, HasSubstr("2 diverged and count as ln 259"));
}

TEST_F(ShortTrainingTest, StopsEarlyAndExtrapolates) {
  const ProxyScore early = ScoreOf({{"stop_at", 0.5}, {"seeds", 1}});
  const auto curves = Curves();
  ASSERT_EQ(curves.size(), 1u);
  EXPECT_EQ(curves[0].back().step, 20);
  std::vector<LossAtStep> seen;
  for (const CurvePoint& point : curves[0]) {  // the warm-up is 4 steps
    if (point.step > 4 && point.validation_loss) {
      seen.push_back({static_cast<double>(point.step), *point.validation_loss});
    }
  }
  EXPECT_EQ(seen.size(), 8u);
  EXPECT_DOUBLE_EQ(early.value, -FitPowerLaw(seen)->At(40));
  EXPECT_THAT(early.method, HasSubstr("extrapolated from 50 % of them"));
  // The same run to its end, and the same question again.
  const ProxyScore whole = ScoreOf({{"seeds", 1}});
  EXPECT_NE(whole.value, early.value);
  EXPECT_EQ(ScoreOf({{"stop_at", 0.5}, {"seeds", 1}}), early);
}

TEST_F(ShortTrainingTest, TrainsTwins) {
  ModelSpec parent = Model();
  parent.d_model = 64;
  parent.head_dim = 32;
  parent.d_ff = 96;
  parent.repeat = RepeatScheduleFromText("immediate:2");
  parent.kv_policy = KvPolicy::kShared;
  ShortTrainingSettings settings;
  settings.twin_share = 1.0 / 16;
  const ModelSpec twin = SpecToTrain(parent, settings, 259);
  EXPECT_EQ(twin.d_model, 16);
  EXPECT_EQ(twin.vocab_size, 259);
  EXPECT_EQ(twin.repeat, parent.repeat);
  EXPECT_EQ(twin.kv_policy, KvPolicy::kPerOccurrence);
  // What is not larger than its twin is trained itself.
  settings = {.twin_params = CountParams(parent).blocks};
  const ModelSpec itself = SpecToTrain(parent, settings, 259);
  EXPECT_EQ(itself.d_model, 64);
  EXPECT_EQ(itself.vocab_size, 259);
  EXPECT_THAT(InputErrorOf([&] { return SpecToTrain(parent, {.twin_params = 1}, 259); }),
              HasSubstr("no room"));
}

TEST_F(ShortTrainingTest, TheIdentityIsOfTokensAndNotOfPaths) {
  const Json identity = Make(Settings())->Identity();
  EXPECT_EQ(Make(Settings({{"runs", "elsewhere"}}))->Identity(), identity);
  EXPECT_EQ(Make(Settings({{"twin_params", 2'000'000}}))->Identity(), identity);
  EXPECT_NE(Make(Settings({{"steps", 41}}))->Identity(), identity);
  EXPECT_NE(Make(Settings({{"stop_at", 0.5}}))->Identity(), identity);
  EXPECT_NE(Make(Settings({{"hold_out", 0.3}}))->Identity(), identity);
  WriteFileAtomically(folder_.File("text.txt"), ReadFile(folder_.File("text.txt")) + "more\n");
  EXPECT_NE(Make(Settings())->Identity(), identity);
}

TEST_F(ShortTrainingTest, RefusesWhatItCannotDo) {
  const auto refusal = [&](const Json& more) {
    return InputErrorOf([&] { return Make(Settings(more)) != nullptr; });
  };
  EXPECT_THAT(refusal({{"steps", 0}}), HasSubstr("a.json: /s/steps: is 0; expected from 1"));
  EXPECT_THAT(refusal({{"seeds", 0}}), HasSubstr("/s/seeds"));
  EXPECT_THAT(refusal({{"rate", -1}}), HasSubstr("/s/rate: is -1; expected a rate above 0"));
  EXPECT_THAT(refusal({{"stop_at", 1.5}}), HasSubstr("/s/stop_at"));
  EXPECT_THAT(refusal({{"hold_out", 1}}), HasSubstr("/s/hold_out"));
  EXPECT_THAT(refusal({{"twin_params", 5}, {"twin_share", 0.5}}), HasSubstr("one of the two"));
  EXPECT_THAT(refusal({{"twin_share", 1}}), HasSubstr("/s/twin_share"));
  EXPECT_THAT(refusal({{"runs", ""}}), HasSubstr("/s/runs: is empty"));
  EXPECT_THAT(refusal({{"length", 100'000}}), HasSubstr("tokens; expected"));
  EXPECT_THAT(refusal({{"tokenizer", "/no/such/file"}}), HasSubstr("/no/such/file"));
  EXPECT_THAT(InputErrorOf([&] {
                return MakeProxy("short_training", Settings(), {"a.json", "/s"}, {}) != nullptr;
              }),
              HasSubstr("a.json: /s: short_training has no text to train with"));
}

}  // namespace
}  // namespace deepthin::explorer

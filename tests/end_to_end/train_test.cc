// Training by the program: killed, interrupted and gone on with; diverged; its weights in other
// commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <thread>

#include "spec/files.h"
#include "spec/json_io.h"
#include "tests/end_to_end/program.h"

namespace deepthin {
namespace {

using ::testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr int64_t kLength = 64;

// Sentences that do not repeat, and can be learnt from.
std::string Sentences(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text +=
        "The " + std::to_string(i * i % 97) + " whales saw " + std::to_string(i % 13) + " ships.\n";
  }
  return text;
}

// A run of a tiny model into `folder`/`name`.
Words TrainCommand(const TemporaryFolder& folder, const std::string& name, int64_t steps,
                   const Words& more = {}) {
  Words words = {"train",
                 kTinyModel,
                 "--data",
                 folder.Write("text.txt", Sentences(400)),
                 "--out",
                 folder.File(name),
                 "--steps",
                 std::to_string(steps),
                 "--batch",
                 "2",
                 "--length",
                 std::to_string(kLength),
                 "--checkpoint-every",
                 "7",
                 "--eval-every",
                 "50",
                 "--eval-tokens",
                 "256",
                 "--threads",
                 "1",
                 "--json"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Json TrainTo(const Words& command, int exit_code = 0) {
  const ProgramResult result = RunProgram(command);
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  return ParseJson(result.out, "stdout");
}

int64_t LinesOf(const std::string& path) {
  if (!std::filesystem::exists(path)) return 0;
  const std::string text = ReadFile(path);
  return std::count(text.begin(), text.end(), '\n');
}

// Starts the command, sends the signal as soon as the run's curve has so many lines, and returns
// the status that it ended with.
int SignalAt(const Words& command, const std::string& curve, int64_t lines, int signal) {
  const pid_t child = StartProgram(command);
  int status = 0;
  while (LinesOf(curve) < lines && ::waitpid(child, &status, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(child, signal);
  ::waitpid(child, &status, 0);
  return status;
}

void ExpectSameRun(const TemporaryFolder& folder, const std::string& a, const std::string& b) {
  for (const char* file : {"curve.jsonl", "curve.csv", "state.train", "model.gguf"}) {
    EXPECT_TRUE(ReadFile(folder.File(a) + "/" + file) == ReadFile(folder.File(b) + "/" + file))
        << file;
  }
}

TEST(Train, AKilledRunGoesOnToTheSameCurveAndWeights) {
  constexpr int64_t kSteps = 400;
  const TemporaryFolder folder;
  const Json whole = TrainTo(TrainCommand(folder, "whole", kSteps));
  EXPECT_EQ(whole["steps_now"], kSteps);
  EXPECT_EQ(LinesOf(folder.File("whole/curve.jsonl")), kSteps + 1);

  const Words command = TrainCommand(folder, "parts", kSteps);
  for (const int64_t lines : {20, 90}) {
    SignalAt(command, folder.File("parts/curve.jsonl"), lines, SIGKILL);
    ASSERT_FALSE(std::filesystem::exists(folder.File("parts/model.gguf"))) << "not killed";
  }
  const Json rest = TrainTo(command);
  EXPECT_EQ(rest["outcome"], "finished");
  // The second kill came behind a checkpoint of step 84 or later.
  EXPECT_LE(rest["steps_now"], kSteps - 84);
  EXPECT_EQ(rest["validation_loss"], whole["validation_loss"]);
  ExpectSameRun(folder, "whole", "parts");
  // Done: nothing is done again, and the same is said.
  EXPECT_EQ(TrainTo(command), rest);
}

TEST(Train, CtrlCLosesNothing) {
  constexpr int64_t kSteps = 300;
  const TemporaryFolder folder;
  TrainTo(TrainCommand(folder, "whole", kSteps));
  const Words command = TrainCommand(folder, "parts", kSteps);
  const int status = SignalAt(command, folder.File("parts/curve.jsonl"), 20, SIGINT);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 130);
  const Json stopped = ReadJsonFile(folder.File("parts/result.json"));
  EXPECT_EQ(stopped["outcome"], "interrupted");
  EXPECT_EQ(LinesOf(folder.File("parts/curve.jsonl")), stopped["step"].get<int64_t>() + 1);
  const Json rest = TrainTo(command);
  EXPECT_EQ(rest["steps_now"], kSteps - stopped["step"].get<int64_t>());
  ExpectSameRun(folder, "whole", "parts");
}

// The one window of the validation text is the one paragraph of eval's: BOS and 64 bytes.
TEST(Train, TheDecoderFindsTheTrainersPerplexityInEachFormat) {
  const TemporaryFolder folder;
  std::string one = Sentences(9).substr(0, kLength - 1) + ".";
  std::replace(one.begin(), one.end(), '\n', ' ');
  const std::string text = folder.Write("one.txt", one);
  const Json result = TrainTo(TrainCommand(folder, "run", 120, {"--validation", text}));
  const double loss = result["validation_loss"];
  EXPECT_LT(loss, 3);  // of ln 259 = 5.6
  const std::string gguf = result["model"];
  const std::string tensors = folder.File("tensors");
  ASSERT_EQ(RunProgram({"convert", gguf, tensors}).exit_code, 0);
  for (const Words& model : {Words{gguf}, Words{tensors, "--tokenizer", gguf}}) {
    Words words = {"eval",  "perplexity",  "--text", text,           "--paragraphs",
                   "all",   "--min-chars", "10",     "--max-tokens", std::to_string(kLength + 1),
                   "--json"};
    words.insert(words.end(), model.begin(), model.end());
    const Json perplexity = TrainTo(words);
    EXPECT_EQ(perplexity["tokens"], kLength);
    EXPECT_NEAR(perplexity["nll_per_token"].get<double>(), loss, 1e-5 * loss);
  }
  const Json generated =
      TrainTo({"generate", gguf, "--prompt", "The ", "--tokens", "12", "--json"});
  EXPECT_THAT(generated["text"].get<std::string>(), HasSubstr("The "));
}

TEST(Train, ARunThatDivergesIsKept) {
  const TemporaryFolder folder;
  const Words command = TrainCommand(folder, "run", 50, {"--lr", "1e30", "--warmup", "0"});
  const Json result = TrainTo(command, 1);
  EXPECT_EQ(result["outcome"], "diverged");
  EXPECT_FALSE(result.contains("loss"));
  EXPECT_LT(result["step"], 50);
  EXPECT_EQ(TrainTo(command, 1), result);
}

std::string Refusal(const Words& command) {
  const ProgramResult result = RunProgram(command);
  EXPECT_EQ(result.exit_code, 2) << result.err;
  return result.err;
}

TEST(Train, SaysWhatItCannotTrain) {
  const TemporaryFolder folder;
  TrainTo(TrainCommand(folder, "run", 3));
  const auto refusal = [&](const std::string& name, const Words& more) {
    return Refusal(TrainCommand(folder, name, 3, more));
  };
  EXPECT_THAT(refusal("run", {"--seed", "2"}), HasSubstr("/seed is 1 there and 2 now"));
  EXPECT_THAT(refusal("run", {"--lr", "0.5"}), HasSubstr("/options/rate/peak is"));
  EXPECT_THAT(refusal("new", {"--parametrisation", "mup"}), HasSubstr("completep or standard"));
  EXPECT_THAT(refusal("new", {"--data", folder.Write("empty", "")}), HasSubstr("is empty"));
  EXPECT_THAT(refusal("new", {"--validation", folder.Write("short", "abc")}),
              HasSubstr("--validation: has 4 tokens; expected 65 or more"));
  EXPECT_THAT(refusal("new", {"--set", "max_seq_len=63"}), HasSubstr("/max_seq_len: is 63"));
  EXPECT_THAT(refusal("new", {"--set", "repeat=immediate:2", "--set", "kv_policy=shared"}),
              HasSubstr("per_occurrence for training"));
  EXPECT_THAT(refusal("new", {"--warmup", "4"}), HasSubstr("--warmup"));
  EXPECT_THAT(refusal("new", {"--lr", "0"}), HasSubstr("--lr: is 0"));
  EXPECT_FALSE(std::filesystem::exists(folder.File("new")));
  EXPECT_THAT(Refusal({"train", kTinyModel}), HasSubstr("lacks --data"));
  EXPECT_THAT(Refusal({"train", folder.File("run/model.gguf"), "--data", folder.File("text.txt")}),
              HasSubstr("is a checkpoint"));
}

TEST(Train, DamagedFoldersAreSaid) {
  const TemporaryFolder folder;
  const Words command = TrainCommand(folder, "run", 9);
  TrainTo(command);
  const std::string curve = folder.File("run/curve.jsonl");
  const std::string sound = ReadFile(curve);
  WriteFileAtomically(curve, sound.substr(0, sound.size() / 2));
  EXPECT_THAT(Refusal(command), HasSubstr("curve.jsonl"));
  WriteFileAtomically(curve, sound + "{\"step\":");  // behind the last checkpoint
  TrainTo(command);
  WriteFileAtomically(folder.File("run/state.train"), "DTTRAIN1");
  EXPECT_THAT(Refusal(command), HasSubstr("state.train"));
}

}  // namespace
}  // namespace deepthin

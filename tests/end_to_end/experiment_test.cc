// An experiment from definition to page, killed and interrupted on the way; and the train evaluator
// in an ordinary sweep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "spec/files.h"
#include "spec/json_io.h"
#include "tests/end_to_end/program.h"

namespace deepthin {
namespace {

using ::testing::HasSubstr;
using Words = std::vector<std::string>;

const std::string kBook = DEEPTHIN_SOURCE_DIR "/data/moby-dick.txt";

// The shipped one for continuous integration, with the book where it lies.
std::string SmokeDefinition(const TemporaryFolder& folder) {
  const ProgramResult shown = RunProgram({"experiment", "list", "--show", "twins-smoke"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  Json definition = ParseJson(shown.out, "stdout");
  definition["training"]["data"] = {kBook};
  return folder.Write("smoke.json", definition.dump());
}

Words RunCommand(const TemporaryFolder& folder, const std::string& definition,
                 const std::string& name) {
  return {"experiment",
          "run",
          definition,
          "--db",
          folder.File(name + ".db"),
          "--runs",
          folder.File(name + "-runs"),
          "--threads",
          "1",
          "--json"};
}

size_t FoldersIn(const std::string& path) {
  if (!std::filesystem::exists(path)) return 0;
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    count += entry.is_directory() ? 1 : 0;
  }
  return count;
}

// Starts the command, sends the signal as soon as so many runs have a folder, and returns how it
// ended.
int SignalAt(const Words& command, const std::string& runs, size_t folders, int signal) {
  const pid_t child = StartProgram(command);
  int status = 0;
  while (FoldersIn(runs) < folders && ::waitpid(child, &status, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(child, signal);
  ::waitpid(child, &status, 0);
  return status;
}

std::string Export(const TemporaryFolder& folder, const std::string& definition,
                   const std::string& name) {
  const ProgramResult result =
      RunProgram({"experiment", "export", definition, "--db", folder.File(name + ".db")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}

// The last line of an export with its runs' folder.
Json ExportedSample(const TemporaryFolder& folder, const std::string& definition,
                    const std::string& name) {
  const ProgramResult result =
      RunProgram({"experiment", "export", definition, "--db", folder.File(name + ".db"), "--runs",
                  folder.File(name + "-runs")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const size_t last = result.out.rfind('\n', result.out.size() - 2) + 1;
  return ParseJson(result.out.substr(last), "stdout").value("sample", Json());
}

// One of the runs is that of which `generate` makes the same.
void ExpectSampleAsGenerated(const std::string& runs, const Json& sample) {
  size_t alike = 0;
  for (const auto& run : std::filesystem::directory_iterator(runs)) {
    const Json generated = ParseJson(
        RunProgram({"generate", run.path() / "model.gguf", "--prompt", sample["prompt"], "--seed",
                    sample["seed"].dump(), "--temperature", sample["temperature"].dump(), "-n",
                    sample["max_tokens"].dump(), "--json"})
            .out,
        "stdout");
    alike += generated["text"] ==
             sample["prompt"].get<std::string>() + sample["text"].get<std::string>();
  }
  EXPECT_EQ(alike, 1u);
}

// A line without what depends on the clock or the machine.
Json Timeless(const std::string& line) {
  Json json = ParseJson(line, "line");
  json.erase("started_at");
  json.erase("duration_s");
  for (const char* key :
       {"host", "tokens_per_s", "model_flop_per_s", "share_of_peak", "peak_memory_bytes"}) {
    if (json.contains("training")) json["training"].erase(key);
  }
  return json;
}

std::vector<Json> TimelessLines(const std::string& text) {
  std::vector<Json> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    out.push_back(Timeless(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return out;
}

TEST(Experiment, KilledAndInterruptedItComesToTheSameResults) {
  constexpr size_t kRuns = 38;
  const TemporaryFolder folder;
  const std::string definition = SmokeDefinition(folder);
  const ProgramResult whole = RunProgram(RunCommand(folder, definition, "whole"));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_EQ(ParseJson(whole.out, "stdout")["runs_left"], 0);
  const std::string expected = Export(folder, definition, "whole");
  ASSERT_EQ(TimelessLines(expected).size(), kRuns + 1);

  const Words command = RunCommand(folder, definition, "parts");
  const std::string runs = folder.File("parts-runs");
  ASSERT_TRUE(WIFSIGNALED(SignalAt(command, runs, 5, SIGKILL)));
  const int status = SignalAt(command, runs, 12, SIGINT);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 130);
  const std::string part = Export(folder, definition, "parts");
  EXPECT_LT(TimelessLines(part).size(), kRuns);
  const std::string page_of_part =
      RunProgram({"experiment", "page", folder.Write("part.jsonl", part)}).out;
  EXPECT_THAT(page_of_part, HasSubstr(" of 38 runs**"));

  const ProgramResult rest = RunProgram(command);
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(TimelessLines(Export(folder, definition, "parts")), TimelessLines(expected));
  const Json again = ParseJson(RunProgram(command).out, "stdout");
  EXPECT_EQ(again["evaluated"], 0);
  EXPECT_EQ(again["runs_left"], 0);

  const Json sample = ExportedSample(folder, definition, "whole");
  ASSERT_TRUE(sample.contains("text"));
  EXPECT_EQ(ExportedSample(folder, definition, "parts"), sample);
  ExpectSampleAsGenerated(folder.File("parts-runs"), sample);

  const std::string file = folder.Write("results.jsonl", expected);
  const ProgramResult import =
      RunProgram({"experiment", "import", file, "--db", folder.File("again.db")});
  ASSERT_EQ(import.exit_code, 0) << import.err;
  EXPECT_EQ(Export(folder, definition, "again"), expected);
  const ProgramResult page = RunProgram({"experiment", "page", file});
  ASSERT_EQ(page.exit_code, 0) << page.err;
  EXPECT_THAT(page.out, HasSubstr("**Made of 38 of 38 runs**"));
  EXPECT_THAT(page.out, HasSubstr("## Blocks executed twice (table 2, 125M)"));
}

TEST(Experiment, TwoProcessesShareTheWork) {
  const TemporaryFolder folder;
  const std::string definition = SmokeDefinition(folder);
  for (const char* shard : {"1/2", "2/2"}) {
    Words command = RunCommand(folder, definition, "shared");
    command.insert(command.end(), {"--shard", shard});
    ASSERT_EQ(RunProgram(command).exit_code, 0);
  }
  const Json none = ParseJson(RunProgram(RunCommand(folder, definition, "shared")).out, "stdout");
  EXPECT_EQ(none["evaluated"], 0);
  EXPECT_EQ(none["runs_left"], 0);
}

TEST(Experiment, SaysWhatIsWrong) {
  const auto refusal = [](const Words& words) {
    const ProgramResult result = RunProgram(words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  const TemporaryFolder folder;
  const std::string database = folder.File("x.db");
  EXPECT_THAT(refusal({"experiment", "run", "none"}), HasSubstr("twins"));
  EXPECT_THAT(refusal({"experiment", "run", "twins-smoke", "--db", database, "--shard", "3/2"}),
              HasSubstr("--shard"));
  EXPECT_THAT(refusal({"experiment", "page", folder.Write("bad.jsonl", "{}\n")}),
              HasSubstr("line 1: lacks experiment"));
  EXPECT_THAT(refusal({"experiment", "export", "twins", "--db", database}),
              HasSubstr("does not exist"));
}

TEST(Sweep, TrainsAndShowsTheLoss) {
  const TemporaryFolder folder;
  const Json train = {
      {"name", "train"}, {"data", {kBook}}, {"steps", 6},        {"batch", 2},
      {"length", 32},    {"eval_every", 3}, {"eval_tokens", 64}, {"twin_share", 0.0009765625}};
  const Json definition = {{"name", "tiny"},
                           {"base",
                            {{"model", "mobilellm-125m"},
                             {"soc", "iphone-13"},
                             {"precision", "f16"},
                             {"workload", {{"prompt_tokens", 4}, {"generated_tokens", 4}}}}},
                           {"axes", {{{"key", "model.n_blocks"}, {"values", {4, 8}}}}},
                           {"evaluators", {{{"name", "score"}}, train}}};
  const Words command = {"sweep", "run", folder.Write("tiny.json", definition.dump()), "--db",
                         folder.File("tiny.db")};
  const ProgramResult run = RunProgram(command);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("trained loss"));
  EXPECT_EQ(FoldersIn(folder.File("tiny.db.runs")), 2u);
  const Json all = ParseJson(
      RunProgram({"results", "export", "--json", "--db", folder.File("tiny.db")}).out, "stdout");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["training"]["steps"], 6);
  EXPECT_EQ(all[0]["training"]["curve"].size(), 3u);
  EXPECT_THAT(RunProgram(command).err, HasSubstr("0 evaluated now"));
}

}  // namespace
}  // namespace deepthin

// A sweep from definition to table, killed in the middle, resumed, exported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "spec/files.h"
#include "spec/json_io.h"
#include "tests/end_to_end/program.h"

namespace deepthin {
namespace {

using ::testing::HasSubstr;

std::string Definition(int points, int repeats) {
  Json depths = Json::array();
  for (int depth = 1; depth <= points; ++depth) depths.push_back(depth);
  return Json{{"name", "tiny"},
              {"base",
               {{"model", kTinyModel},
                {"soc", "iphone-13"},
                {"precision", "f16"},
                {"workload", {{"prompt_tokens", 4}, {"generated_tokens", 4}}}}},
              {"axes", {{{"key", "model.n_blocks"}, {"values", depths}}}},
              {"evaluators",
               {{{"name", "score"}},
                {{"name", "estimate"}},
                {{"name", "measure"}, {"threads", 1}, {"repeats", repeats}}}}}
      .dump();
}

TEST(Sweep, RunsEndToEnd) {
  const TemporaryFolder folder;
  const std::string sweep = folder.Write("tiny.json", Definition(3, 3));
  const std::string database = folder.File("tiny.db");
  const ProgramResult run = RunProgram({"sweep", "run", sweep, "--db", database});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  for (const char* head : {"params", "decoder params", "measured ms/token", "+-MAD",
                           "estimated ms/token", "DRAM MB/token"}) {
    EXPECT_THAT(run.out, HasSubstr(head));
  }
  EXPECT_THAT(run.err, HasSubstr("9 trials: 9 evaluated now"));
  EXPECT_THAT(run.err, HasSubstr(database));
  EXPECT_THAT(run.err, HasSubstr("next: deepthin choose"));

  const ProgramResult again = RunProgram({"sweep", "run", sweep, "--db", database, "--json"});
  const Json summary = ParseJson(again.out, "stdout")["summary"];
  EXPECT_EQ(summary["evaluated"], 0);
  EXPECT_EQ(summary["already_done"], 9);

  const Json status =
      ParseJson(RunProgram({"sweep", "status", "--db", database, "--json"}).out, "stdout");
  ASSERT_EQ(status.size(), 1u);
  EXPECT_EQ(status[0]["trials_done"], 9);

  const Json choice = ParseJson(RunProgram({"choose", "--db", database, "--json"}).out, "stdout");
  EXPECT_EQ(choice["considered"], 3);
  // More blocks: more decoder parameters and more time, so nothing beats anything.
  EXPECT_EQ(choice["pareto_front"].size(), 3u);
  const ProgramResult unknown = RunProgram({"choose", "--db", database, "--soc", "iphone-1"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("iphone-13"));

  const std::string csv_path = folder.File("out.csv");
  ASSERT_EQ(
      RunProgram({"results", "export", "--csv", "--db", database, "--out", csv_path}).exit_code, 0);
  const std::string csv = ReadFile(csv_path);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 4);
  const Json rows =
      ParseJson(RunProgram({"results", "export", "--json", "--db", database}).out, "stdout");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2]["measurement"]["decode_s_per_token"].size(), 3u);
}

// Repeats make each measurement take about 50 ms, so that kills come in the middle.
TEST(Sweep, SurvivesKillAndLosesNothing) {
  const TemporaryFolder folder;
  const std::string sweep = folder.Write("tiny.json", Definition(12, 400));
  const std::string database = folder.File("tiny.db");
  const auto done = [&]() -> int64_t {
    const ProgramResult status = RunProgram({"sweep", "status", "--db", database, "--json"});
    if (status.exit_code != 0) return 0;
    const Json sweeps = ParseJson(status.out, "stdout");  // none where it was killed that early
    return sweeps.empty() ? 0 : sweeps[0]["trials_done"].get<int64_t>();
  };
  int64_t before = 0;
  for (int round = 0; round < 4; ++round) {
    const pid_t child = StartProgram({"sweep", "run", sweep, "--db", database});
    std::this_thread::sleep_for(std::chrono::milliseconds(150 + 90 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    const int64_t now = done();
    EXPECT_GE(now, before);
    before = now;
  }
  const ProgramResult last = RunProgram({"sweep", "run", sweep, "--db", database, "--json"});
  ASSERT_EQ(last.exit_code, 0) << last.err;
  const Json summary = ParseJson(last.out, "stdout")["summary"];
  EXPECT_EQ(summary["already_done"], before);
  EXPECT_EQ(summary["already_done"].get<int64_t>() + summary["evaluated"].get<int64_t>(), 36);
  EXPECT_EQ(done(), 36);
}

TEST(Sweep, CtrlCEndsBetweenTrialsAndSaysHowToGoOn) {
  const TemporaryFolder folder;
  const std::string sweep = folder.Write("tiny.json", Definition(12, 2000));
  const std::string database = folder.File("tiny.db");
  const pid_t child = StartProgram({"sweep", "run", sweep, "--db", database});
  // Until it has a trial, or has ended.
  int status = 0;
  for (int wait = 0; wait < 200 && !std::filesystem::exists(database); ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ::kill(child, SIGINT);
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(RunProgram({"sweep", "status", "--db", database}).exit_code, 0);
}

}  // namespace
}  // namespace deepthin

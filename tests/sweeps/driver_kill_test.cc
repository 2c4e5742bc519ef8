// kill -9 in the middle of a sweep, again and again: nothing that was committed is lost, and
// nothing of it is done twice.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <thread>

#include "results/sqlite_store.h"
#include "sweeps/driver.h"
#include "tests/sweeps/depth_sweep.h"
#include "tests/sweeps/fake_evaluator.h"

namespace deepthin::sweeps {
namespace {

constexpr int64_t kPoints = 120;

std::vector<int64_t> Depths() {
  std::vector<int64_t> depths(kPoints);
  std::iota(depths.begin(), depths.end(), 1);
  return depths;
}

// Appends a line for each evaluation: an append of a few bytes is whole or absent, kill or not.
void RunInChild(const std::string& database, const std::string& log_path) {
  std::vector<std::unique_ptr<Evaluator>> evaluators;
  auto fake = std::make_unique<FakeEvaluator>();
  const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  fake->before = [log](const Problem& problem) {
    const std::string line = std::to_string(problem.model.n_blocks) + "\n";
    if (::write(log, line.data(), line.size()) < 0) ::_exit(3);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  };
  evaluators.push_back(std::move(fake));
  const Sweep sweep = DepthSweep(Depths());
  const auto store = results::OpenSqliteStore(database, results::OpenMode::kCreateOrExtend);
  static_cast<void>(RunSweep(sweep, PointsOf(sweep, "depths.json"), evaluators, *store, {}));
}

int64_t Committed(const std::string& database, const std::string& hash) {
  if (!std::filesystem::exists(database)) return 0;
  const auto store = results::OpenSqliteStore(database, results::OpenMode::kCreateOrExtend);
  int64_t count = 0;
  for (const auto& result : store->Results(hash)) {
    count += static_cast<int64_t>(result.trials.size());
  }
  return count;
}

TEST(DriverKill, LosesAtMostTheTrialInFlight) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("deepthin_kill_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string database = folder / "sweep.db";
  const std::string log_path = folder / "evaluations";
  const std::string hash = RecordOf(DepthSweep(Depths())).hash;

  int kills = 0;
  bool finished = false;
  int64_t committed_before = 0;
  for (int round = 0; !finished && round < 200; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      RunInChild(database, log_path);
      ::_exit(0);
    }
    // Longer from round to round, so that a busy machine gets there too.
    std::this_thread::sleep_for(std::chrono::milliseconds(23 + 7 * (round % 11) + 3 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!finished) ++kills;
    const int64_t committed = Committed(database, hash);
    EXPECT_GE(committed, committed_before) << "a committed trial was lost";
    committed_before = committed;
  }
  ASSERT_TRUE(finished);
  EXPECT_GT(kills, 0) << "the sweep ended before it could be killed: no test";
  EXPECT_EQ(committed_before, kPoints);

  std::map<int64_t, int> evaluations;
  std::ifstream log(log_path);
  for (int64_t depth = 0; log >> depth;) ++evaluations[depth];
  EXPECT_EQ(static_cast<int64_t>(evaluations.size()), kPoints);
  int repeated = 0;
  for (const auto& [depth, count] : evaluations) repeated += count - 1;
  EXPECT_LE(repeated, kills) << "each kill may cost the one trial in flight";
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace deepthin::sweeps

// The store among processes: killed in the middle, two at once, and with a full disk.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "results/sqlite_schema.h"
#include "results/sqlite_store.h"
#include "spec/errors.h"
#include "tests/results/asset_content.h"
#include "tests/results/temporary_folder.h"

namespace deepthin::results {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Runs f in a child. Its exit status is what f returns, 99 where it throws.
pid_t Fork(const std::function<int()>& f) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  int status = 99;
  try {
    status = f();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
  }
  ::_exit(status);
}

int WaitFor(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::vector<PointTrial> Batch(const std::string& name, size_t size) {
  std::vector<PointTrial> batch;
  for (size_t i = 0; i < size; ++i) {
    const Outcome outcome = i % 2 == 0 ? Outcome(AssetEstimate()) : Outcome(AssetMeasurement());
    batch.push_back({0, MakeTrial(name, std::to_string(i), outcome)});
  }
  return batch;
}

int64_t Count(const std::string& path, const std::string& sql) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE);
  return database.execAndGet(sql).getInt64();
}

// Opens, is sound, and holds whole outcomes only.
void ExpectWhole(const std::string& path) {
  EXPECT_THAT(OpenSqliteStore(path, OpenMode::kCreateOrExtend)->Results(AssetSweep().hash),
              SizeIs(3));
  SQLite::Database database(path, SQLite::OPEN_READWRITE);
  EXPECT_EQ(database.execAndGet("PRAGMA integrity_check").getString(), "ok");
  SQLite::Statement dangling(database, "PRAGMA foreign_key_check");
  EXPECT_FALSE(dangling.executeStep());
}

class SqliteProcesses : public ::testing::Test {
 protected:
  SqliteProcesses() {
    OpenSqliteStore(path_, OpenMode::kCreateOrExtend)->PutSweep(AssetSweep(), AssetPoints());
  }
  TemporaryFolder folder_;
  const std::string path_ = folder_.File("r.db");
};

TEST_F(SqliteProcesses, AKilledWriterLeavesWholeTransactionsOnly) {
  constexpr size_t kBatch = 100;
  int64_t committed_before = 0;
  for (int round = 0; round < 8; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = Fork([&]() -> int {
      const auto store = OpenSqliteStore(path_, OpenMode::kCreateOrExtend);
      const auto batch = Batch("round " + std::to_string(round), kBatch);
      while (true) {
        store->PutTrials(AssetSweep().hash, batch);
        if (::write(pipe_ends[1], "x", 1) != 1) return 1;
      }
    });
    ::close(pipe_ends[1]);
    int64_t acknowledged = 0;
    char byte = 0;
    for (int i = 0; i <= round % 3; ++i) acknowledged += ::read(pipe_ends[0], &byte, 1);
    ::usleep(static_cast<useconds_t>(1'500 * round));  // somewhere in the next transaction
    ::kill(child, SIGKILL);
    EXPECT_EQ(WaitFor(child), -SIGKILL);
    while (::read(pipe_ends[0], &byte, 1) == 1) ++acknowledged;
    ::close(pipe_ends[0]);

    ExpectWhole(path_);
    const int64_t trials = Count(path_, "SELECT count(*) FROM trial");
    EXPECT_EQ(trials % static_cast<int64_t>(kBatch), 0);
    const int64_t batches = trials / static_cast<int64_t>(kBatch) - committed_before;
    EXPECT_GE(batches, acknowledged) << "what was acknowledged is there";
    EXPECT_LE(batches, acknowledged + 1);
    EXPECT_EQ(Count(path_, "SELECT count(*) FROM estimate_phase"), trials);  // 2 for every second
    committed_before += batches;
  }
}

TEST_F(SqliteProcesses, AWriterKilledWhileCreatingLeavesNothingOrAll) {
  for (int round = 0; round < 10; ++round) {
    const TemporaryFolder folder;
    const std::string path = folder.File("new.db");
    const pid_t child = Fork([&] {
      const auto store = OpenSqliteStore(path, OpenMode::kCreateOrExtend);
      ::pause();
      return 0;
    });
    ::usleep(static_cast<useconds_t>(700 * round));
    ::kill(child, SIGKILL);
    WaitFor(child);
    if (std::filesystem::exists(path)) {
      EXPECT_EQ(Count(path, "PRAGMA user_version"), Migrations().back().version);
    }
    OpenSqliteStore(path, OpenMode::kCreateOrExtend)->PutSweep(AssetSweep(), AssetPoints());
    ExpectWhole(path);
  }
}

TEST_F(SqliteProcesses, SeveralWriteAtOnce) {
  constexpr int kWriters = 3;
  constexpr int kBatches = 25;
  std::vector<pid_t> children;
  children.reserve(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) {
    children.push_back(Fork([&] {
      const auto store = OpenSqliteStore(path_, OpenMode::kCreateOrExtend);
      for (int i = 0; i < kBatches; ++i) {
        auto batch = Batch("writer " + std::to_string(writer), 3);
        batch.push_back({1, MakeTrial("shared", "shared", Failure{.message = "same key"})});
        store->PutTrials(AssetSweep().hash, batch);
        if (store->Results(AssetSweep().hash).size() != 3) return 1;
      }
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(WaitFor(child), 0);
  ExpectWhole(path_);
  EXPECT_EQ(Count(path_, "SELECT count(*) FROM trial"), kWriters * kBatches * 4);
  // Attempts at one question are numbered without gaps, whoever made them.
  EXPECT_EQ(Count(path_, "SELECT max(attempt) FROM trial WHERE evaluator = 'shared'"),
            kWriters * kBatches);
}

TEST_F(SqliteProcesses, SeveralCreateAtOnce) {
  const std::string path = folder_.File("new.db");
  std::vector<pid_t> children;
  children.reserve(4);
  for (int i = 0; i < 4; ++i) {
    children.push_back(Fork([&] {
      const auto store = OpenSqliteStore(path, OpenMode::kCreateOrExtend);
      SweepRecord sweep = AssetSweep();
      store->PutSweep(sweep, AssetPoints());
      sweep.hash = std::to_string(::getpid());
      store->PutSweep(sweep, AssetPoints());
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(WaitFor(child), 0);
  EXPECT_THAT(OpenSqliteStore(path, OpenMode::kReadExisting)->Sweeps(), SizeIs(5));
  EXPECT_THAT(folder_.Names(), ElementsAre("new.db", "r.db"));
}

TEST_F(SqliteProcesses, ReadsWhileAnotherHasItOpen) {
  const auto writer = OpenSqliteStore(path_, OpenMode::kCreateOrExtend);
  const auto reader = OpenSqliteStore(path_, OpenMode::kReadExisting);
  const auto batch = Batch("x", 2);
  writer->PutTrials(AssetSweep().hash, batch);
  EXPECT_EQ(reader->FindTrial(batch[0].trial.key), batch[0].trial);
}

void LimitFileSize(rlim_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(SqliteProcesses, AFullDiskIsAnEnvironmentErrorAndLosesNothing) {
  const pid_t child = Fork([&] {
    const auto store = OpenSqliteStore(path_, OpenMode::kCreateOrExtend);
    LimitFileSize(600'000);
    for (int batches = 0;; ++batches) {
      try {
        store->PutTrials(AssetSweep().hash, Batch("x", 10));
      } catch (const EnvironmentError& error) {
        if (std::string(error.what()).find("r.db: cannot be") == std::string::npos) return 98;
        // What was put before is still there to read.
        return store->FindTrial(Batch("x", 1)[0].trial.key) ? batches : 97;
      }
      if (batches > 80) return 96;  // the limit should have been felt
    }
  });
  const int batches = WaitFor(child);
  ASSERT_GT(batches, 0);
  ASSERT_LT(batches, 90);
  ExpectWhole(path_);
  EXPECT_EQ(Count(path_, "SELECT count(*) FROM trial"), batches * 10);
}

TEST_F(SqliteProcesses, AFullDiskOnCreationLeavesNoFile) {
  for (const rlim_t limit : {rlim_t{0}, rlim_t{5'000}, rlim_t{40'000}}) {
    const TemporaryFolder folder;
    const pid_t child = Fork([&] {
      LimitFileSize(limit);
      try {
        const auto store = OpenSqliteStore(folder.File("new.db"), OpenMode::kCreateOrExtend);
      } catch (const EnvironmentError&) {
        return 7;
      }
      return 0;
    });
    EXPECT_EQ(WaitFor(child), 7) << limit;
    EXPECT_THAT(folder.Names(), ElementsAre()) << limit;
  }
}

// In a mount namespace of its own, which needs privileges that not every machine gives.
TEST_F(SqliteProcesses, AReadOnlyFileSystemCanBeReadButNotWritten) {
  constexpr int kNotPermitted = 50;
  OpenSqliteStore(path_, OpenMode::kCreateOrExtend)->PutTrials(AssetSweep().hash, AssetTrials());
  const std::string frozen = folder_.File("100% frozen?#");
  std::filesystem::create_directory(frozen);
  const pid_t child = Fork([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", frozen.c_str(), "tmpfs", 0, nullptr) != 0) {
      return kNotPermitted;
    }
    const std::string path = frozen + "/r.db";
    std::filesystem::copy_file(path_, path);
    if (::mount("none", frozen.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
      return kNotPermitted;
    }
    const auto store = OpenSqliteStore(path, OpenMode::kReadExisting);
    if (store->FindTrial(AssetTrials()[0].trial.key) != AssetTrials()[0].trial) return 1;
    for (const std::string& refused : {path, frozen + "/new.db"}) {
      try {
        const auto writer = OpenSqliteStore(refused, OpenMode::kCreateOrExtend);
        return 2;
      } catch (const EnvironmentError& error) {
        std::fprintf(stderr, "%s\n", error.what());
      }
    }
    return 0;
  });
  const int status = WaitFor(child);
  if (status == kNotPermitted) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace deepthin::results

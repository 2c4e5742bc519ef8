// Opening what is no sound database of ours: one clear sentence, no crash, and nothing left behind
// or changed.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>

#include "results/sqlite_store.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "tests/results/asset_content.h"
#include "tests/results/temporary_folder.h"

namespace deepthin::results {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr OpenMode kBothModes[] = {OpenMode::kCreateOrExtend, OpenMode::kReadExisting};

void WriteBytes(const std::string& path, std::string_view bytes) {
  WriteFileAtomically(path, bytes);
}

template <class Error>
std::string OpenMessage(const std::string& path, OpenMode mode) {
  try {
    const auto store = OpenSqliteStore(path, mode);
  } catch (const Error& error) {
    return error.what();
  }
  return "opened";
}

// Reads all there is. Anything but the two errors ends the test.
enum class Verdict { kSound, kRefused };
Verdict OpenAndReadAll(const std::string& path, OpenMode mode) {
  try {
    const auto store = OpenSqliteStore(path, mode);
    for (const SweepRecord& sweep : store->Sweeps()) {
      static_cast<void>(store->Results(sweep.hash));
    }
    static_cast<void>(store->Results(AssetSweep().hash));
    for (const PointTrial& entry : AssetTrials()) {
      static_cast<void>(store->FindTrial(entry.trial.key));
    }
    return Verdict::kSound;
  } catch (const InputError&) {
    return Verdict::kRefused;
  } catch (const EnvironmentError&) {
    return Verdict::kRefused;
  }
}

std::string SoundBytes() {
  const TemporaryFolder folder;
  {
    const auto store = OpenSqliteStore(folder.File("r.db"), OpenMode::kCreateOrExtend);
    store->PutSweep(AssetSweep(), AssetPoints());
    store->PutTrials(AssetSweep().hash, AssetTrials());
  }
  return ReadFile(folder.File("r.db"));
}

class SqliteFiles : public ::testing::Test {
 protected:
  // Expects both modes to refuse the file and to leave it as it is.
  void ExpectRefused(const std::string& bytes, const std::string& sentence) {
    const std::string path = folder_.File("x.db");
    WriteBytes(path, bytes);
    for (const OpenMode mode : kBothModes) {
      EXPECT_THAT(OpenMessage<InputError>(path, mode), HasSubstr("x.db: " + sentence));
      EXPECT_EQ(ReadFile(path), bytes);
      EXPECT_THAT(folder_.Names(), ElementsAre("x.db"));
    }
  }
  TemporaryFolder folder_;
};

TEST_F(SqliteFiles, LeaveOneFileWhenClosed) {
  const std::string path = folder_.File("r.db");
  for (const OpenMode mode : kBothModes) {
    EXPECT_THAT(OpenSqliteStore(path, mode)->Sweeps(), IsEmpty());
    EXPECT_THAT(folder_.Names(), ElementsAre("r.db"));
  }
}

TEST_F(SqliteFiles, AreFoundByRelativeAndOddNames) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.File(""));
  for (const char* name : {"plain.db", ":memory:", "file:x?mode=memory", "a b#%20.db", "-x.db"}) {
    {
      const auto store = OpenSqliteStore(name, OpenMode::kCreateOrExtend);
      store->PutSweep(AssetSweep(), AssetPoints());
    }
    EXPECT_TRUE(std::filesystem::is_regular_file(folder_.File(name))) << name;
    EXPECT_THAT(OpenSqliteStore(name, OpenMode::kReadExisting)->Sweeps(), SizeIs(1)) << name;
  }
  std::filesystem::current_path(before);
}

TEST_F(SqliteFiles, ReadingDoesNotCreate) {
  EXPECT_THAT(OpenMessage<InputError>(folder_.File("absent.db"), OpenMode::kReadExisting),
              HasSubstr("absent.db: does not exist; expected a results database"));
  EXPECT_THAT(folder_.Names(), IsEmpty());
}

TEST_F(SqliteFiles, ReadingRefusesToWrite) {
  const std::string path = folder_.File("r.db");
  WriteBytes(path, SoundBytes());
  const auto store = OpenSqliteStore(path, OpenMode::kReadExisting);
  SweepRecord other = AssetSweep();
  other.hash = "other";
  EXPECT_THROW(store->PutSweep(other, {}), EnvironmentError);
  EXPECT_THROW(store->PutTrials(AssetSweep().hash, AssetTrials()), EnvironmentError);
  EXPECT_THAT(store->Sweeps(), SizeIs(1));
}

TEST_F(SqliteFiles, AnEmptyFileBecomesADatabaseOnlyForWriting) {
  const std::string path = folder_.File("r.db");
  WriteBytes(path, "");
  EXPECT_THAT(OpenMessage<InputError>(path, OpenMode::kReadExisting), HasSubstr("r.db: is empty"));
  OpenSqliteStore(path, OpenMode::kCreateOrExtend)->PutSweep(AssetSweep(), AssetPoints());
  EXPECT_THAT(OpenSqliteStore(path, OpenMode::kReadExisting)->Sweeps(), SizeIs(1));
}

TEST_F(SqliteFiles, ThatAreNoDatabaseAreRefused) {
  ExpectRefused("hello", "is not a database");
  ExpectRefused("SQLite format 3", "is not a database");  // without the zero byte
  ExpectRefused("label,value\n1,2\n" + std::string(8'192, 'x'), "is not a database");
  ExpectRefused(std::string("SQLite format 3\0", 16), "is damaged");
  std::mt19937 random(1);
  std::string noise(5'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  ExpectRefused(noise, "is not a database");
}

TEST_F(SqliteFiles, FoldersAndPipesAreRefused) {
  std::filesystem::create_directory(folder_.File("folder.db"));
  ASSERT_EQ(::mkfifo(folder_.File("pipe.db").c_str(), 0600), 0);
  for (const OpenMode mode : kBothModes) {
    EXPECT_THAT(OpenMessage<InputError>(folder_.File("folder.db"), mode),
                HasSubstr("folder.db: is a directory; expected a results database"));
    EXPECT_THAT(OpenMessage<InputError>(folder_.File("pipe.db"), mode),
                HasSubstr("pipe.db: is no regular file"));
  }
}

TEST_F(SqliteFiles, ForeignDatabasesAreLeftAlone) {
  for (const char* sql : {"CREATE TABLE theirs (x)", "PRAGMA user_version = 1",
                          "PRAGMA application_id = 252006673; CREATE TABLE theirs (x)"}) {
    const TemporaryFolder folder;
    const std::string path = folder.File("foreign.db");
    SQLite::Database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
    const std::string before = ReadFile(path);
    for (const OpenMode mode : kBothModes) {
      EXPECT_THAT(OpenMessage<InputError>(path, mode),
                  HasSubstr("foreign.db: is a database of another program"))
          << sql;
    }
    EXPECT_EQ(ReadFile(path), before);
    EXPECT_THAT(folder.Names(), ElementsAre("foreign.db"));
  }
}

TEST_F(SqliteFiles, TruncatedDatabasesAreRefusedAtEveryLength) {
  const std::string bytes = SoundBytes();
  ASSERT_EQ(OpenAndReadAll(
                [&] {
                  WriteBytes(folder_.File("sound.db"), bytes);
                  return folder_.File("sound.db");
                }(),
                OpenMode::kReadExisting),
            Verdict::kSound);
  std::vector<size_t> lengths = {1, 15, 16, 17, 99, 100, 101, 511, 512, 4'095, bytes.size() - 1};
  for (size_t length = 4'096; length < bytes.size(); length += 4'096) lengths.push_back(length);
  for (const size_t length : lengths) {
    const std::string path = folder_.File("cut.db");
    WriteBytes(path, bytes.substr(0, length));
    for (const OpenMode mode : kBothModes) {
      EXPECT_EQ(OpenAndReadAll(path, mode), Verdict::kRefused) << length << " bytes";
      EXPECT_EQ(std::filesystem::file_size(path), length);
    }
  }
}

TEST_F(SqliteFiles, DamagedBytesNeverCrash) {
  const std::string bytes = SoundBytes();
  const std::string path = folder_.File("r.db");
  std::mt19937 random(2);
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string damaged = bytes;
    // Half of them in the first page, where the header and the schema are.
    const size_t range = round % 2 == 0 ? 4'096 : damaged.size();
    for (int i = 0; i < 1 + round % 20; ++i)
      damaged[random() % range] = static_cast<char>(random());
    std::filesystem::remove(path + "-wal");
    std::filesystem::remove(path + "-shm");
    WriteBytes(path, damaged);
    if (OpenAndReadAll(path, kBothModes[round % 2]) == Verdict::kRefused) ++refused;
  }
  EXPECT_GT(refused, 100);
}

// A file that only looks like ours: right header, but values none of our programs writes.
TEST_F(SqliteFiles, ValuesChangedByHandAreRefused) {
  const std::string bytes = SoundBytes();
  for (const char* sql :
       {"UPDATE model SET ffn = 'cube'", "UPDATE model SET repeat = 'immediate:x'",
        "UPDATE soc SET json = '{'", "UPDATE soc SET json = '{}'", "DELETE FROM soc",
        "DELETE FROM model", "UPDATE problem SET precision_kv = 'f8'",
        "DELETE FROM estimate_phase WHERE phase = 'decode'",
        "UPDATE estimate_traffic SET operator_position = 40", "DELETE FROM score",
        "UPDATE score SET value = 9e999", "UPDATE trial SET outcome = 'estimate'",
        "DROP TABLE sample", "DROP VIEW v_answers", "ALTER TABLE score RENAME COLUMN value TO v"}) {
    const std::string path = folder_.File("changed.db");
    WriteBytes(path, bytes);
    {
      SQLite::Database database(path, SQLite::OPEN_READWRITE);
      database.exec("PRAGMA foreign_keys = OFF");
      database.exec(sql);
    }
    for (const OpenMode mode : kBothModes) {
      EXPECT_EQ(OpenAndReadAll(path, mode), Verdict::kRefused) << sql;
    }
  }
}

TEST_F(SqliteFiles, OneDamagedTrialDoesNotStopTheStore) {
  const std::string path = folder_.File("r.db");
  WriteBytes(path, SoundBytes());
  SQLite::Database(path, SQLite::OPEN_READWRITE).exec("DELETE FROM estimate_phase");
  const auto store = OpenSqliteStore(path, OpenMode::kCreateOrExtend);
  EXPECT_THROW(static_cast<void>(store->FindTrial(AssetTrials()[0].trial.key)), InputError);
  EXPECT_EQ(store->FindTrial(AssetTrials()[3].trial.key), AssetTrials()[3].trial);
  const Trial next = MakeTrial("score", "next", Failure{.message = "x"});
  store->PutTrials(AssetSweep().hash, {{PointTrial{0, next}}});
  EXPECT_EQ(store->FindTrial(next.key), next);
}

TEST_F(SqliteFiles, AMissingFolderIsNamed) {
  const std::string path = folder_.File("missing/r.db");
  EXPECT_THAT(OpenMessage<EnvironmentError>(path, OpenMode::kCreateOrExtend),
              HasSubstr("missing/r.db: cannot be created, since the folder"));
  EXPECT_THAT(folder_.Names(), IsEmpty());
}

TEST_F(SqliteFiles, AFolderThatTakesNoFilesIsAnEnvironmentError) {
  EXPECT_THAT(OpenMessage<EnvironmentError>("/proc/self/r.db", OpenMode::kCreateOrExtend),
              HasSubstr("/proc/self/r.db"));
}

TEST_F(SqliteFiles, ALockHeldForLongIsAnEnvironmentError) {
  const std::string path = folder_.File("r.db");
  WriteBytes(path, SoundBytes());
  const auto store = OpenSqliteStore(path, OpenMode::kCreateOrExtend,
                                     {.busy_timeout = std::chrono::milliseconds(20)});
  SQLite::Database other(path, SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  const Trial trial = MakeTrial("score", "locked out", Failure{.message = "x"});
  const std::vector<PointTrial> trials = {{0, trial}};
  try {
    store->PutTrials(AssetSweep().hash, trials);
    FAIL();
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("another process has kept the database locked"));
  }
  EXPECT_THAT(store->Results(AssetSweep().hash), SizeIs(3));  // reading goes on
  other.exec("ROLLBACK");
  store->PutTrials(AssetSweep().hash, trials);
  EXPECT_EQ(store->FindTrial(trial.key), trial);
}

}  // namespace
}  // namespace deepthin::results

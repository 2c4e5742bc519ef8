#include "results/sqlite_schema.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "ResultsMigrations.h"
#include "results/sqlite_error.h"
#include "spec/errors.h"

namespace deepthin::results {
namespace {

namespace fs = std::filesystem;

int64_t QueryInt(SQLite::Database& database, const std::string& sql) {
  return database.execAndGet(sql).getInt64();
}

uint32_t BigEndian32(const unsigned char* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

enum class FileState { kAbsent, kEmpty, kSqlite };

// Looks at the file before SQLite does, which would wait on a pipe and might write to a foreign
// database (its journal). Offsets: "Database File Format", section 1.3.
FileState Probe(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return FileState::kAbsent;
  if (error) throw EnvironmentError(path + ": cannot be looked at (" + error.message() + ")");
  if (!fs::is_regular_file(status)) {
    throw InputError({path, ""}, fs::is_directory(status) ? "is a directory" : "is no regular file",
                     "a results database");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw EnvironmentError(path + ": cannot be read (" + std::strerror(errno) + ")");
  unsigned char header[100] = {};
  file.read(reinterpret_cast<char*>(header), sizeof(header));
  const auto size = file.gcount();
  if (size == 0) return FileState::kEmpty;
  if (size < 16 || std::memcmp(header, "SQLite format 3", 16) != 0) {
    throw InputError({path, ""}, "is not a database", "a results database");
  }
  if (size < 100) throw DamagedDatabase(path, "its header is cut off");
  const uint32_t application_id = BigEndian32(header + 68);
  if (application_id != 0 && application_id != kApplicationId) {
    throw InputError({path, ""}, "is a database of another program", "a results database");
  }
  // SQLite itself would take a short last page for zeros. With a log beside it another process may
  // just be writing the file.
  const uint64_t page_size = header[16] == 0 && header[17] == 1
                                 ? 65'536
                                 : uint64_t{header[16]} << 8 | uint64_t{header[17]};
  const uint64_t file_size = fs::file_size(path, error);
  if (!error && page_size != 0 && file_size % page_size != 0 && !fs::exists(path + "-wal", error) &&
      !fs::exists(path + "-journal", error)) {
    throw DamagedDatabase(path, "its end is cut off");
  }
  return FileState::kSqlite;
}

// Throws unless the database is ours or holds nothing at all. Returns its version, 0 for nothing.
int64_t RequireOurs(SQLite::Database& database, const std::string& path, int64_t newest_version) {
  const int64_t version = SchemaVersion(database);
  if (QueryInt(database, "PRAGMA application_id") != kApplicationId) {
    if (version == 0 && QueryInt(database, "SELECT count(*) FROM sqlite_schema") == 0) return 0;
    throw InputError({path, ""}, "is a database of another program", "a results database");
  }
  if (version > newest_version) {
    throw InputError(
        {path, ""},
        "has schema version " + std::to_string(version) + ", which needs a newer deepthin",
        "at most version " + std::to_string(newest_version));
  }
  if (version < 1) throw DamagedDatabase(path, "its schema version is " + std::to_string(version));
  return version;
}

void Configure(SQLite::Database& database) {
  // The file may come from anyone: its schema gets no say beyond what ours needs.
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  database.exec(
      "PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;"
      "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768");
}

// A name beside the target, for a database in the making. Removed with whatever SQLite put next to
// it.
class TemporaryDatabase {
 public:
  explicit TemporaryDatabase(const std::string& target)
      : path_(target + ".new." + std::to_string(::getpid())) {
    Remove();
  }
  ~TemporaryDatabase() { Remove(); }
  TemporaryDatabase(const TemporaryDatabase&) = delete;
  TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void Remove() const {
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
      std::error_code ignored;
      fs::remove(path_ + suffix, ignored);
    }
  }

  std::string path_;
};

// Built under another name and then linked to its own: nobody ever sees half a database, and of two
// processes that create it at once the second one uses the first one's.
void Create(const std::string& path, std::span<const Migration> migrations) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw EnvironmentError(path + ": cannot be created, since the folder " + folder.string() +
                           " does not exist");
  }
  const TemporaryDatabase temporary(path);
  {
    SQLite::Database database(temporary.path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("PRAGMA journal_mode = MEMORY");
    RunMigrations(database, migrations);
    database.exec("PRAGMA journal_mode = WAL");
  }
  if (::link(temporary.path().c_str(), path.c_str()) != 0 && errno != EEXIST) {
    throw EnvironmentError(path + ": cannot be created (" + std::strerror(errno) + ")");
  }
}

// For reading, a database on a read-only file system cannot have the shared memory that WAL mode
// needs. Without a log beside it nothing is missing, and nobody can be writing.
bool IsFrozen(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return ::access(folder.c_str(), W_OK) != 0 && !fs::exists(path + "-wal");
}

// SQLite's URI form, in which '?', '#' and '%' have a meaning.
std::string FrozenUri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    if (c == '?' || c == '#' || c == '%') {
      uri += '%';
      uri += kHex[static_cast<unsigned char>(c) >> 4];
      uri += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

SQLite::Database OpenForReading(const std::string& path, std::span<const Migration> migrations,
                                int timeout_ms) {
  // Opened read-write, so that SQLite clears its files away at the end; query_only refuses writing.
  SQLite::Database database =
      IsFrozen(path) ? SQLite::Database(FrozenUri(path), SQLite::OPEN_READONLY | SQLite::OPEN_URI)
                     : SQLite::Database(path, SQLite::OPEN_READWRITE, timeout_ms);
  Configure(database);
  const int64_t newest = migrations.back().version;
  const int64_t version = RequireOurs(database, path, newest);
  if (version == 0) {
    throw InputError({path, ""}, "is an empty database", "a results database");
  }
  if (version < newest) {
    SQLite::Database copy(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    SQLite::Backup(copy, database).executeStep();
    Configure(copy);
    RunMigrations(copy, migrations);
    copy.exec("PRAGMA query_only = ON");
    return copy;
  }
  database.exec("PRAGMA query_only = ON");
  return database;
}

SQLite::Database OpenForWriting(const std::string& path, std::span<const Migration> migrations,
                                int timeout_ms) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE, timeout_ms);
  Configure(database);
  if (sqlite3_db_readonly(database.getHandle(), "main") != 0) {
    throw EnvironmentError(path +
                           ": cannot be written, since the file or its file system is "
                           "read-only");
  }
  const int64_t newest = migrations.back().version;
  if (RequireOurs(database, path, newest) < newest) RunMigrations(database, migrations);
  database.exec("PRAGMA journal_mode = WAL");
  return database;
}

}  // namespace

std::span<const Migration> Migrations() {
  static const std::vector<Migration> migrations = [] {
    std::vector<Migration> out;
    for (const EmbeddedFile& file : ResultsMigrations()) {
      Migration migration{.version = 0, .sql = file.text};
      std::from_chars(file.name.data(), file.name.data() + file.name.size(), migration.version);
      out.push_back(migration);
    }
    return out;
  }();
  return migrations;
}

int64_t SchemaVersion(SQLite::Database& database) {
  return QueryInt(database, "PRAGMA user_version");
}

void RunMigrations(SQLite::Database& database, std::span<const Migration> migrations) {
  // A migration may rebuild tables that others refer to, so references are checked at its end.
  const bool had_foreign_keys = QueryInt(database, "PRAGMA foreign_keys") != 0;
  database.exec("PRAGMA foreign_keys = OFF");
  int64_t expected_version = 1;
  for (const Migration& migration : migrations) {
    DEEPTHIN_CHECK(migration.version == expected_version);
    ++expected_version;
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    if (SchemaVersion(database) >= migration.version) continue;  // another process was faster
    database.exec(std::string(migration.sql));
    SQLite::Statement dangling(database, "PRAGMA foreign_key_check");
    if (dangling.executeStep()) {
      throw SQLite::Exception(
          "a reference in table " + dangling.getColumn(0).getString() + " points nowhere",
          SQLITE_CORRUPT);
    }
    database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.exec("PRAGMA user_version = " + std::to_string(migration.version));
    transaction.commit();
  }
  if (had_foreign_keys) database.exec("PRAGMA foreign_keys = ON");
}

SQLite::Database OpenDatabase(const std::string& path, OpenMode mode, const SqliteOptions& options,
                              std::span<const Migration> migrations) {
  // Absolute, so that SQLite sees neither its ":memory:" nor a "file:" URI in what a user typed.
  const std::string absolute = fs::absolute(path).string();
  return Translated(absolute, [&] {
    const FileState state = Probe(absolute);
    const int timeout_ms = static_cast<int>(options.busy_timeout.count());
    if (mode == OpenMode::kCreateOrExtend) {
      if (state == FileState::kAbsent) Create(absolute, migrations);
      return OpenForWriting(absolute, migrations, timeout_ms);
    }
    if (state != FileState::kSqlite) {
      throw InputError({absolute, ""}, state == FileState::kAbsent ? "does not exist" : "is empty",
                       "a results database, as 'deepthin sweep run' makes it");
    }
    return OpenForReading(absolute, migrations, timeout_ms);
  });
}

}  // namespace deepthin::results

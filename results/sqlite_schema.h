// Opens results databases: tells ours from foreign, damaged and newer files, makes new ones whole
// or not at all, and brings old ones to the current schema. Private to the SQLite store.
#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "results/sqlite_store.h"

namespace deepthin::results {

// Header field of every results database: "dthn" in ASCII.
inline constexpr int64_t kApplicationId = 0x6474686E;

// One step from schema `version` - 1 to `version`.
struct Migration {
  int64_t version = 0;
  std::string_view sql;
};

// The migrations compiled into this program, from version 1 on without gaps.
[[nodiscard]] std::span<const Migration> Migrations();

[[nodiscard]] int64_t SchemaVersion(SQLite::Database& database);

// Applies what is missing, each migration in a transaction of its own that is repeated by no one:
// several processes may try at once. A failed one leaves the database at the version before it.
// REQUIRES: versions 1, 2, ...; no transaction is open.
void RunMigrations(SQLite::Database& database, std::span<const Migration> migrations);

// A connection that is ready for use, at the version of the last migration. Throws as
// OpenSqliteStore does. An old database that is opened for reading is brought up to date in memory.
[[nodiscard]] SQLite::Database OpenDatabase(const std::string& path, OpenMode mode,
                                            const SqliteOptions& options,
                                            std::span<const Migration> migrations);

}  // namespace deepthin::results

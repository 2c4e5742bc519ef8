// The Store that keeps sweeps in one SQLite file: docs/results-schema.md.
//
//   auto store = OpenSqliteStore("results.db", OpenMode::kCreateOrExtend);
//   for (const PointResult& result : store->Results(hash)) ...
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "results/store.h"

namespace deepthin::results {

enum class OpenMode {
  kCreateOrExtend,  // makes the file where there is none
  kReadExisting,    // changes nothing; the file has to be there
};

struct SqliteOptions {
  // How long to wait for another process that writes, before EnvironmentError. A transaction of a
  // thousand trials takes well under a second.
  std::chrono::milliseconds busy_timeout{30'000};
};

// Throws InputError for a file that is no results database, is damaged, or is from a newer version;
// EnvironmentError where the path cannot be written. A failure leaves no new file behind.
[[nodiscard]] std::unique_ptr<Store> OpenSqliteStore(const std::string& path, OpenMode mode,
                                                     const SqliteOptions& options = {});

}  // namespace deepthin::results

// Writes and reads sweeps' points and the problems they ask about: the tables model, soc, problem
// and point. Private to the SQLite store; no transactions of its own.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <map>
#include <span>
#include <string>
#include <vector>

#include "results/record/sweep_record.h"
#include "results/sqlite_columns.h"

namespace deepthin::results {

class PointWriter {
 public:
  explicit PointWriter(SQLite::Database& database);

  // REQUIRES: the sweep is there, none of its points is.
  void Write(const std::string& sweep_hash, std::span<const Point> points);

 private:
  // SoCs written in one call: a sweep has few, and hashing one takes longer than comparing it.
  struct KnownSoc {
    const SocSpec* soc;
    std::string hash;
  };
  using KnownSocs = std::vector<KnownSoc>;

  // Return the hash of what is written where it is new.
  std::string WriteProblem(const Problem& problem, KnownSocs& known);
  std::string WriteSoc(const SocSpec& soc, KnownSocs& known);

  FieldInsert<ModelSpec> model_;
  SQLite::Statement soc_;
  SQLite::Statement problem_;
  SQLite::Statement point_;
};

class PointReader {
 public:
  PointReader(SQLite::Database& database, const std::string& path);

  // In order of their index.
  [[nodiscard]] std::vector<Point> Read(const std::string& sweep_hash);

 private:
  [[nodiscard]] const SocSpec& SocByHash(const std::string& hash);

  std::string path_;
  std::map<std::string, SocSpec> socs_;  // parsed already, by hash
  SQLite::Statement points_;
  SQLite::Statement soc_;
};

}  // namespace deepthin::results

#include "results/sqlite_store.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include <unordered_map>
#include <utility>

#include "results/sqlite_columns.h"
#include "results/sqlite_error.h"
#include "results/sqlite_outcomes.h"
#include "results/sqlite_points.h"
#include "results/sqlite_schema.h"
#include "results/storable.h"

namespace deepthin::results {
namespace {

constexpr const char* kTrialColumns =
    "trial.id, trial.key, trial.evaluator, trial.identity, trial.started_at, trial.duration_s, "
    "trial.outcome";

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, SQLite::Database database);

  void PutSweep(const SweepRecord& sweep, std::span<const Point> points) override;
  void PutTrials(const std::string& sweep_hash, std::span<const PointTrial> trials) override;
  void LinkTrial(const std::string& sweep_hash, int64_t point_index,
                 const std::string& trial_key) override;
  [[nodiscard]] std::optional<Trial> FindTrial(const std::string& key) override;
  [[nodiscard]] std::vector<SweepRecord> Sweeps() override;
  [[nodiscard]] std::vector<PointResult> Results(const std::string& sweep_hash) override;

 private:
  // Writes wait for their turn at the beginning, never in the middle, where SQLite could not wait.
  template <class F>
  void Write(F&& f) {
    Translated(path_, [&] {
      SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
      f();
      transaction.commit();
    });
  }
  // Reads of several statements see one state of the database.
  template <class F>
  auto Read(F&& f) {
    return Translated(path_, [&] {
      SQLite::Transaction transaction(database_);
      auto out = f();
      transaction.commit();
      return out;
    });
  }

  void RequirePoint(const std::string& sweep_hash, int64_t point_index);
  [[nodiscard]] int64_t InsertTrial(const Trial& trial);
  [[nodiscard]] Trial ReadTrial(RowReader& row);

  std::string path_;
  SQLite::Database database_;
  OutcomeWriter outcome_writer_;
  OutcomeReader outcome_reader_;
  PointWriter point_writer_;
  PointReader point_reader_;
  SQLite::Statement find_sweep_;
  SQLite::Statement insert_sweep_;
  SQLite::Statement insert_evaluator_;
  SQLite::Statement find_point_;
  SQLite::Statement insert_trial_;
  SQLite::Statement newest_id_;
  SQLite::Statement link_;
  SQLite::Statement find_trial_;
  SQLite::Statement answers_;
};

SqliteStore::SqliteStore(std::string path, SQLite::Database database)
    : path_(std::move(path)),
      database_(std::move(database)),
      outcome_writer_(database_),
      outcome_reader_(database_, path_),
      point_writer_(database_),
      point_reader_(database_, path_),
      find_sweep_(database_, "SELECT 1 FROM sweep WHERE hash = ?"),
      insert_sweep_(database_,
                    "INSERT INTO sweep (hash, name, created_at, definition) VALUES (?, ?, ?, ?)"),
      insert_evaluator_(
          database_,
          "INSERT INTO sweep_evaluator (sweep_hash, position, evaluator) VALUES (?, ?, ?)"),
      find_point_(database_, "SELECT 1 FROM point WHERE sweep_hash = ? AND point_index = ?"),
      insert_trial_(database_,
                    "INSERT INTO trial (key, attempt, evaluator, started_at, duration_s, outcome, "
                    "identity) VALUES (?1, 1 + coalesce((SELECT max(attempt) FROM trial WHERE key "
                    "= ?1), 0), ?2, ?3, ?4, ?5, ?6)"),
      newest_id_(database_, "SELECT id FROM trial WHERE key = ? ORDER BY attempt DESC LIMIT 1"),
      link_(database_,
            "INSERT INTO point_trial (sweep_hash, point_index, trial_id) VALUES (?, ?, ?) ON "
            "CONFLICT DO NOTHING"),
      find_trial_(database_, std::string("SELECT ") + kTrialColumns +
                                 " FROM trial WHERE key = ? ORDER BY attempt DESC LIMIT 1"),
      answers_(database_, std::string("SELECT answer.point_index, ") + kTrialColumns +
                              " FROM v_answers AS answer JOIN trial ON trial.id = answer.trial_id "
                              "WHERE answer.sweep_hash = ?") {}

void SqliteStore::RequirePoint(const std::string& sweep_hash, int64_t point_index) {
  if (!Query(find_point_, sweep_hash, point_index).Next())
    ThrowNoSuchPoint(sweep_hash, point_index);
}

void SqliteStore::PutSweep(const SweepRecord& sweep, std::span<const Point> points) {
  for (const Point& point : points) RequireStorable(point);
  Write([&] {
    if (Query(find_sweep_, sweep.hash).Next()) return;
    Run(insert_sweep_, sweep.hash, sweep.name, sweep.created_at, sweep.definition);
    int64_t position = 0;
    for (const std::string& evaluator : sweep.evaluators) {
      Run(insert_evaluator_, sweep.hash, position++, evaluator);
    }
    point_writer_.Write(sweep.hash, points);
  });
}

int64_t SqliteStore::InsertTrial(const Trial& trial) {
  Run(insert_trial_, trial.key, trial.evaluator, trial.started_at, trial.duration,
      OutcomeKind(trial.outcome), trial.identity);
  return database_.getLastInsertRowid();
}

void SqliteStore::PutTrials(const std::string& sweep_hash, std::span<const PointTrial> trials) {
  for (const PointTrial& entry : trials) RequireStorable(entry.trial);
  Write([&] {
    for (const auto& [point_index, trial] : trials) {
      RequirePoint(sweep_hash, point_index);
      const int64_t trial_id = InsertTrial(trial);
      outcome_writer_.Write(trial_id, trial.outcome);
      Run(link_, sweep_hash, point_index, trial_id);
    }
  });
}

void SqliteStore::LinkTrial(const std::string& sweep_hash, int64_t point_index,
                            const std::string& trial_key) {
  Write([&] {
    RequirePoint(sweep_hash, point_index);
    Query newest(newest_id_, trial_key);
    if (!newest.Next()) ThrowNoSuchTrial(trial_key);
    Run(link_, sweep_hash, point_index, newest.Row(path_).Get<int64_t>());
  });
}

// The row starts with kTrialColumns from where it is read.
Trial SqliteStore::ReadTrial(RowReader& row) {
  Trial trial;
  const auto trial_id = row.Get<int64_t>();
  row.Read(trial.key);
  row.Read(trial.evaluator);
  row.Read(trial.identity);
  row.Read(trial.started_at);
  row.Read(trial.duration);
  trial.outcome = outcome_reader_.Read(trial_id, row.Get<std::string>());
  return trial;
}

std::optional<Trial> SqliteStore::FindTrial(const std::string& key) {
  return Read([&]() -> std::optional<Trial> {
    Query query(find_trial_, key);
    if (!query.Next()) return std::nullopt;
    RowReader row = query.Row(path_);
    return ReadTrial(row);
  });
}

std::vector<SweepRecord> SqliteStore::Sweeps() {
  return Read([&] {
    std::vector<SweepRecord> sweeps;
    SQLite::Statement select(
        database_, "SELECT hash, name, created_at, definition FROM sweep ORDER BY created_at, id");
    SQLite::Statement evaluators(
        database_, "SELECT evaluator FROM sweep_evaluator WHERE sweep_hash = ? ORDER BY position");
    for (Query query(select); query.Next();) {
      RowReader row = query.Row(path_);
      SweepRecord& sweep = sweeps.emplace_back();
      row.Read(sweep.hash);
      row.Read(sweep.name);
      row.Read(sweep.created_at);
      row.Read(sweep.definition);
      for (Query names(evaluators, sweep.hash); names.Next();) {
        names.Row(path_).Read(sweep.evaluators.emplace_back());
      }
    }
    return sweeps;
  });
}

std::vector<PointResult> SqliteStore::Results(const std::string& sweep_hash) {
  return Read([&] {
    std::vector<PointResult> results;
    std::unordered_map<int64_t, size_t> place_by_index;
    for (Point& point : point_reader_.Read(sweep_hash)) {
      place_by_index[point.index] = results.size();
      results.push_back({.point = std::move(point), .trials = {}});
    }
    for (Query query(answers_, sweep_hash); query.Next();) {
      RowReader row = query.Row(path_);
      const auto place = place_by_index.find(row.Get<int64_t>());
      if (place == place_by_index.end()) throw DamagedDatabase(path_, "a trial's point is missing");
      Trial trial = ReadTrial(row);
      std::string evaluator = trial.evaluator;
      results[place->second].trials[std::move(evaluator)] = std::move(trial);
    }
    return results;
  });
}

}  // namespace

std::unique_ptr<Store> OpenSqliteStore(const std::string& path, OpenMode mode,
                                       const SqliteOptions& options) {
  SQLite::Database database = OpenDatabase(path, mode, options, Migrations());
  return Translated(path, [&]() -> std::unique_ptr<Store> {
    return std::make_unique<SqliteStore>(path, std::move(database));
  });
}

}  // namespace deepthin::results

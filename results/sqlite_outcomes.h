// Writes and reads the outcome of a trial: the tables estimate*, measurement, sample, score,
// training*, infeasible and failure. Private to the SQLite store; no transactions of its own.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <string>
#include <string_view>

#include "results/record/trial.h"
#include "results/sqlite_columns.h"

namespace deepthin::results {

class OutcomeWriter {
 public:
  explicit OutcomeWriter(SQLite::Database& database);

  void Write(int64_t trial_id, const Outcome& outcome);

 private:
  void WriteValue(int64_t trial_id, const CostEstimate& estimate);
  void WriteValue(int64_t trial_id, const Measurement& measurement);
  void WriteValue(int64_t trial_id, const TrainingRecord& training);
  void WriteValue(int64_t trial_id, const ProxyScore& score) { score_.Run(score, trial_id); }
  void WriteValue(int64_t trial_id, const Infeasible& infeasible) {
    infeasible_.Run(infeasible, trial_id);
  }
  void WriteValue(int64_t trial_id, const Failure& failure) { failure_.Run(failure, trial_id); }
  void WritePhase(int64_t trial_id, std::string_view phase, const PhaseCost& cost);
  void WriteSamples(int64_t trial_id, std::string_view phase, const std::vector<double>& samples);

  FieldInsert<CostEstimate> estimate_;
  FieldInsert<PhaseCost> phase_;
  FieldInsert<OperatorCost> operator_;
  FieldInsert<LevelTraffic> traffic_;
  FieldInsert<Measurement> measurement_;
  SQLite::Statement sample_;
  SQLite::Statement token_sample_;
  FieldInsert<ProxyScore> score_;
  FieldInsert<TrainingRecord> training_;
  FieldInsert<LossPoint> training_point_;
  FieldInsert<Infeasible> infeasible_;
  FieldInsert<Failure> failure_;
};

class OutcomeReader {
 public:
  OutcomeReader(SQLite::Database& database, const std::string& path);

  // `kind` as OutcomeKind says it.
  [[nodiscard]] Outcome Read(int64_t trial_id, std::string_view kind);

 private:
  [[nodiscard]] CostEstimate ReadEstimate(int64_t trial_id);
  [[nodiscard]] Measurement ReadMeasurement(int64_t trial_id);
  [[nodiscard]] TrainingRecord ReadTraining(int64_t trial_id);
  void ReadTraffic(int64_t trial_id, CostEstimate& estimate);
  [[nodiscard]] PhaseCost& PhaseNamed(const std::string& name, CostEstimate& estimate) const;
  template <class T>
  [[nodiscard]] T ReadOne(SQLite::Statement& select, int64_t trial_id);

  std::string path_;
  SQLite::Statement estimate_;
  SQLite::Statement phases_;
  SQLite::Statement operators_;
  SQLite::Statement traffic_;
  SQLite::Statement measurement_;
  SQLite::Statement samples_;
  SQLite::Statement token_samples_;
  SQLite::Statement score_;
  SQLite::Statement training_;
  SQLite::Statement training_points_;
  SQLite::Statement infeasible_;
  SQLite::Statement failure_;
};

}  // namespace deepthin::results

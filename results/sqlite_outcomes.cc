#include "results/sqlite_outcomes.h"

namespace deepthin::results {
namespace {

constexpr std::string_view kPrefill = "prefill";
constexpr std::string_view kDecode = "decode";

// SELECT of key columns, then of T's columns, for one trial.
template <HasFields T>
std::string SelectSql(const std::string& table, const std::string& keys = "",
                      const std::string& order = "") {
  return "SELECT " + keys + ColumnList(ColumnNames<T>()) + " FROM " + table +
         " WHERE trial_id = ?" + (order.empty() ? "" : " ORDER BY " + order);
}

}  // namespace

OutcomeWriter::OutcomeWriter(SQLite::Database& database)
    : estimate_(database, "estimate", {"trial_id"}),
      phase_(database, "estimate_phase", {"trial_id", "phase"}),
      operator_(database, "estimate_operator", {"trial_id", "phase", "position"}),
      traffic_(database, "estimate_traffic",
               {"trial_id", "phase", "operator_position", "position"}),
      measurement_(database, "measurement", {"trial_id"}),
      sample_(database,
              "INSERT INTO sample (trial_id, phase, position, time_s) VALUES (?, ?, ?, ?)"),
      token_sample_(database,
                    "INSERT INTO token_sample (trial_id, position, time_s) VALUES (?, ?, ?)"),
      score_(database, "score", {"trial_id"}),
      training_(database, "training", {"trial_id"}),
      training_point_(database, "training_point", {"trial_id", "position"}),
      infeasible_(database, "infeasible", {"trial_id"}),
      failure_(database, "failure", {"trial_id"}) {}

void OutcomeWriter::Write(int64_t trial_id, const Outcome& outcome) {
  std::visit([&](const auto& value) { WriteValue(trial_id, value); }, outcome);
}

void OutcomeWriter::WriteValue(int64_t trial_id, const CostEstimate& estimate) {
  estimate_.Run(estimate, trial_id);
  WritePhase(trial_id, kPrefill, estimate.prefill);
  WritePhase(trial_id, kDecode, estimate.decode);
}

void OutcomeWriter::WritePhase(int64_t trial_id, std::string_view phase, const PhaseCost& cost) {
  phase_.Run(cost, trial_id, phase);
  int64_t operator_position = 0;
  for (const OperatorCost& op : cost.operators) {
    operator_.Run(op, trial_id, phase, operator_position);
    int64_t position = 0;
    for (const LevelTraffic& traffic : op.traffic) {
      traffic_.Run(traffic, trial_id, phase, operator_position, position++);
    }
    ++operator_position;
  }
}

void OutcomeWriter::WriteValue(int64_t trial_id, const Measurement& measurement) {
  measurement_.Run(measurement, trial_id);
  WriteSamples(trial_id, kPrefill, measurement.prefill_s);
  WriteSamples(trial_id, kDecode, measurement.decode_s_per_token);
  int64_t position = 0;
  for (const double time_s : measurement.token_s) Run(token_sample_, trial_id, position++, time_s);
}

void OutcomeWriter::WriteSamples(int64_t trial_id, std::string_view phase,
                                 const std::vector<double>& samples) {
  int64_t position = 0;
  for (const double time_s : samples) {
    Run(sample_, trial_id, phase, position++, time_s);
  }
}

void OutcomeWriter::WriteValue(int64_t trial_id, const TrainingRecord& training) {
  training_.Run(training, trial_id);
  int64_t position = 0;
  for (const LossPoint& point : training.curve) training_point_.Run(point, trial_id, position++);
}

OutcomeReader::OutcomeReader(SQLite::Database& database, const std::string& path)
    : path_(path),
      estimate_(database, SelectSql<CostEstimate>("estimate")),
      phases_(database, SelectSql<PhaseCost>("estimate_phase", "phase, ")),
      operators_(database,
                 SelectSql<OperatorCost>("estimate_operator", "phase, ", "phase, position")),
      traffic_(database, SelectSql<LevelTraffic>("estimate_traffic", "phase, operator_position, ",
                                                 "phase, operator_position, position")),
      measurement_(database, SelectSql<Measurement>("measurement")),
      samples_(database,
               "SELECT phase, time_s FROM sample WHERE trial_id = ? ORDER BY phase, position"),
      token_samples_(database,
                     "SELECT time_s FROM token_sample WHERE trial_id = ? ORDER BY position"),
      score_(database, SelectSql<ProxyScore>("score")),
      training_(database, SelectSql<TrainingRecord>("training")),
      training_points_(database, SelectSql<LossPoint>("training_point", "", "position")),
      infeasible_(database, SelectSql<Infeasible>("infeasible")),
      failure_(database, SelectSql<Failure>("failure")) {}

template <class T>
T OutcomeReader::ReadOne(SQLite::Statement& select, int64_t trial_id) {
  Query query(select, trial_id);
  if (!query.Next()) {
    throw DamagedDatabase(path_, "trial " + std::to_string(trial_id) + " has no outcome");
  }
  T value;
  query.Row(path_).Read(value);
  return value;
}

Outcome OutcomeReader::Read(int64_t trial_id, std::string_view kind) {
  if (kind == "estimate") return ReadEstimate(trial_id);
  if (kind == "measurement") return ReadMeasurement(trial_id);
  if (kind == "score") return ReadOne<ProxyScore>(score_, trial_id);
  if (kind == "training") return ReadTraining(trial_id);
  if (kind == "infeasible") return ReadOne<Infeasible>(infeasible_, trial_id);
  if (kind == "failure") return ReadOne<Failure>(failure_, trial_id);
  throw DamagedDatabase(path_, "an outcome is '" + std::string(kind) + "'");
}

PhaseCost& OutcomeReader::PhaseNamed(const std::string& name, CostEstimate& estimate) const {
  if (name == kPrefill) return estimate.prefill;
  if (name == kDecode) return estimate.decode;
  throw DamagedDatabase(path_, "a phase is '" + name + "'");
}

CostEstimate OutcomeReader::ReadEstimate(int64_t trial_id) {
  auto estimate = ReadOne<CostEstimate>(estimate_, trial_id);
  int phases = 0;
  for (Query query(phases_, trial_id); query.Next(); ++phases) {
    RowReader row = query.Row(path_);
    PhaseCost& cost = PhaseNamed(row.Get<std::string>(), estimate);
    row.Read(cost);
  }
  if (phases != 2) {
    throw DamagedDatabase(path_, "estimate " + std::to_string(trial_id) + " lacks a phase");
  }
  for (Query query(operators_, trial_id); query.Next();) {
    RowReader row = query.Row(path_);
    PhaseCost& cost = PhaseNamed(row.Get<std::string>(), estimate);
    row.Read(cost.operators.emplace_back());
  }
  ReadTraffic(trial_id, estimate);
  return estimate;
}

void OutcomeReader::ReadTraffic(int64_t trial_id, CostEstimate& estimate) {
  for (Query query(traffic_, trial_id); query.Next();) {
    RowReader row = query.Row(path_);
    PhaseCost& cost = PhaseNamed(row.Get<std::string>(), estimate);
    const auto position = row.Get<int64_t>();
    if (position < 0 || static_cast<size_t>(position) >= cost.operators.size()) {
      throw DamagedDatabase(path_, "estimate " + std::to_string(trial_id) + " lacks an operator");
    }
    row.Read(cost.operators[static_cast<size_t>(position)].traffic.emplace_back());
  }
}

Measurement OutcomeReader::ReadMeasurement(int64_t trial_id) {
  auto measurement = ReadOne<Measurement>(measurement_, trial_id);
  for (Query query(samples_, trial_id); query.Next();) {
    RowReader row = query.Row(path_);
    const bool is_prefill = row.Get<std::string>() == kPrefill;
    (is_prefill ? measurement.prefill_s : measurement.decode_s_per_token)
        .push_back(row.Get<double>());
  }
  for (Query query(token_samples_, trial_id); query.Next();) {
    measurement.token_s.push_back(query.Row(path_).Get<double>());
  }
  return measurement;
}

TrainingRecord OutcomeReader::ReadTraining(int64_t trial_id) {
  auto training = ReadOne<TrainingRecord>(training_, trial_id);
  for (Query query(training_points_, trial_id); query.Next();) {
    query.Row(path_).Read(training.curve.emplace_back());
  }
  return training;
}

}  // namespace deepthin::results

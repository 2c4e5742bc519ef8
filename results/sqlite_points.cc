#include "results/sqlite_points.h"

#include "results/storable.h"
#include "spec/json_io.h"

namespace deepthin::results {
namespace {

constexpr const char* kPrecisionPrefix = "precision_";

// A problem's parts are its model, its SoC and these two; a fifth one would need columns.
static_assert(kFieldCount<Problem> == 4);

std::string ProblemColumns(const std::string& table = "") {
  return ColumnList(ColumnNames<Precision>(kPrecisionPrefix), table) + ", " +
         ColumnList(ColumnNames<Workload>(), table);
}

std::string ProblemSql() {
  std::string marks = "?, ?, ?";
  for (size_t i = 0; i < kFieldCount<Precision> + kFieldCount<Workload>; ++i) marks += ", ?";
  return "INSERT INTO problem (hash, model_hash, soc_hash, " + ProblemColumns() + ") VALUES (" +
         marks + ") ON CONFLICT DO NOTHING";
}

std::string PointsSql() {
  return "SELECT point.point_index, point.label, point.reason, point.needed_bytes, "
         "point.available_bytes, problem.soc_hash, " +
         ProblemColumns("problem") + ", " + ColumnList(ColumnNames<ModelSpec>(), "model") +
         " FROM point LEFT JOIN problem ON problem.hash = point.problem_hash"
         " LEFT JOIN model ON model.hash = problem.model_hash"
         " WHERE point.sweep_hash = ? ORDER BY point.point_index";
}

}  // namespace

PointWriter::PointWriter(SQLite::Database& database)
    : model_(database, "model", {"hash"}, " ON CONFLICT DO NOTHING"),
      soc_(database, "INSERT INTO soc (hash, name, json) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
      problem_(database, ProblemSql()),
      point_(database,
             "INSERT INTO point (sweep_hash, point_index, label, problem_hash, reason, "
             "needed_bytes, available_bytes) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING") {
}

void PointWriter::Write(const std::string& sweep_hash, std::span<const Point> points) {
  KnownSocs known;
  for (const Point& point : points) {
    std::optional<std::string> problem_hash;
    std::optional<Infeasible> infeasible;
    if (const auto* problem = std::get_if<Problem>(&point.problem)) {
      problem_hash = WriteProblem(*problem, known);
    } else {
      infeasible = std::get<Infeasible>(point.problem);
    }
    Binder binder(point_);
    binder.BindAll(sweep_hash, point.index, point.label, problem_hash);
    if (infeasible) binder.Bind(*infeasible);  // else its columns stay NULL
    if (point_.exec() == 0) ThrowPointTwice(point.index);
  }
}

std::string PointWriter::WriteProblem(const Problem& problem, KnownSocs& known) {
  const std::string model_hash = ContentHash(ToJson(problem.model));
  model_.Run(problem.model, model_hash);
  const std::string soc_hash = WriteSoc(problem.soc, known);
  std::string hash = ContentHash(ToJson(problem));
  Run(problem_, hash, model_hash, soc_hash, problem.precision, problem.workload);
  return hash;
}

std::string PointWriter::WriteSoc(const SocSpec& soc, KnownSocs& known) {
  for (const KnownSoc& entry : known) {
    if (*entry.soc == soc) return entry.hash;
  }
  const Json json = ToJson(soc);
  known.push_back({&soc, ContentHash(json)});
  Run(soc_, known.back().hash, soc.name, json.dump());
  return known.back().hash;
}

PointReader::PointReader(SQLite::Database& database, const std::string& path)
    : path_(path),
      points_(database, PointsSql()),
      soc_(database, "SELECT json FROM soc WHERE hash = ?") {}

std::vector<Point> PointReader::Read(const std::string& sweep_hash) {
  std::vector<Point> points;
  for (Query query(points_, sweep_hash); query.Next();) {
    RowReader row = query.Row(path_);
    Point& point = points.emplace_back();
    row.Read(point.index);
    row.Read(point.label);
    if (!row.IsNull()) {
      row.Read(point.problem.emplace<Infeasible>());
      continue;
    }
    std::optional<std::string> ignored_reason;
    std::optional<Bytes> ignored_bytes;
    row.Read(ignored_reason);
    row.Read(ignored_bytes);
    row.Read(ignored_bytes);
    Problem& problem = point.problem.emplace<Problem>();
    problem.soc = SocByHash(row.Get<std::string>());
    row.Read(problem.precision);
    row.Read(problem.workload);
    row.Read(problem.model);
  }
  return points;
}

const SocSpec& PointReader::SocByHash(const std::string& hash) {
  const auto known = socs_.find(hash);
  if (known != socs_.end()) return known->second;
  Query query(soc_, hash);
  if (!query.Next()) throw DamagedDatabase(path_, "the SoC " + hash + " is missing");
  const auto text = query.Row(path_).Get<std::string>();
  const std::string file = path_ + " (soc " + hash + ")";
  return socs_.emplace(hash, FromJson<SocSpec>(ParseJson(text, file), {file, ""})).first->second;
}

}  // namespace deepthin::results

#include "explorer/accuracy/trained_rows_file.h"

#include <algorithm>
#include <cmath>

#include "results/csv.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

// More rows than anybody trains; a bound for hostile files.
constexpr size_t kMostRows = 100'000;

bool IsKeyOf(const std::string& key, bool of_model) {
  bool is_key = false;
  const auto look = [&](const auto& field) { is_key = is_key || field.name == key; };
  if (of_model) {
    ForEachField<ModelSpec>(look);
  } else {
    ForEachField<TrainedRow>(look);
  }
  return is_key && (of_model || key != "model");
}

Json CellValue(const std::string& column, const std::string& cell) {
  // Texts that look like numbers stay texts.
  if (column == "name" || column == "group" || column == "table") return cell;
  return ScalarFromText(cell);
}

Json JsonOfCsv(std::string_view text, const std::string& file) {
  const results::CsvTable csv = results::ParseCsv(text, file);
  Json rows = Json::array();
  for (const std::vector<std::string>& cells : csv.rows) {
    Json row = Json::object();
    Json model = Json::object();
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string& column = csv.columns[i];
      const bool of_model = IsKeyOf(column, true);
      if (!of_model && !IsKeyOf(column, false)) {
        throw InputError({file, "column " + column}, "is unknown",
                         "columns of trained rows: name, group, table, target, standard_error and "
                         "those of a model");
      }
      if (cells[i].empty()) continue;
      (of_model ? model : row)[column] = CellValue(column, cells[i]);
    }
    row["model"] = std::move(model);
    rows.push_back(std::move(row));
  }
  return rows;
}

bool IsJson(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '[' || text[first] == '{');
}

void RequireValid(const TrainedRow& row, const Where& where) {
  Validate(row.model, {where.file, where.place + "/model"});
  if (row.standard_error && *row.standard_error < 0) {
    throw InputError({where.file, where.place + "/standard_error"}, "is below 0", "0 or more");
  }
}

}  // namespace

std::vector<TrainedRow> ParseTrainedRows(std::string_view text, const std::string& file) {
  const Json json = IsJson(text) ? ParseJson(text, file) : JsonOfCsv(text, file);
  if (!json.is_array()) throw InputError({file, ""}, "is no array", "an array of trained rows");
  if (json.size() > kMostRows) {
    throw InputError({file, ""}, "has " + std::to_string(json.size()) + " rows",
                     "at most " + std::to_string(kMostRows));
  }
  auto rows = FromJson<std::vector<TrainedRow>>(json, {file, ""});
  for (size_t i = 0; i < rows.size(); ++i) RequireValid(rows[i], {file, "/" + std::to_string(i)});
  return rows;
}

std::vector<TrainedRow> ReadTrainedRows(const std::string& path) {
  return ParseTrainedRows(ReadFile(path), path);
}

}  // namespace deepthin::explorer

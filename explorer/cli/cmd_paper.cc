// deepthin paper
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/table.h"
#include "results/csv.h"
#include "results/paper_tables.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

bool IsNumeric(const results::PaperTable& table, size_t column) {
  return std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
    return row[column].empty() || std::isdigit(static_cast<unsigned char>(row[column][0])) != 0;
  });
}

Json ToJson(const results::PaperTable& table) {
  return {{"name", table.name},
          {"title", table.title},
          {"columns", table.columns},
          {"rows", table.rows},
          {"notes", table.notes}};
}

void Print(const results::PaperTable& paper) {
  std::vector<TableColumn> columns;
  for (size_t i = 0; i < paper.columns.size(); ++i) {
    columns.push_back({paper.columns[i], IsNumeric(paper, i) ? Align::kRight : Align::kLeft});
  }
  Table table(columns);
  for (const auto& row : paper.rows) table.Row(row);
  fmt::print("{}: {}\n\n{}", paper.name, paper.title, table.ToString());
  for (const std::string& note : paper.notes) fmt::print("\nBeware: {}\n", note);
}

void PrintList() {
  Table table({{"table", Align::kLeft}, {"rows"}, {"what", Align::kLeft}});
  for (const results::PaperTable& paper : results::PaperTables()) {
    table.Row({paper.name, std::to_string(paper.rows.size()), paper.title});
  }
  fmt::print("{}", table.ToString());
}

}  // namespace

int RunPaper(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin paper [TABLE] [options]",
       .text =
           "The tables of MobileLLM (arXiv 2402.14905v2) as printed, each with what its reader\n"
           "should beware of. Without TABLE: the list of them.",
       .examples = {"deepthin paper", "deepthin paper table-11", "deepthin paper 7 --json",
                    "deepthin paper table-13 --csv > table13.csv"}});
  line.Flag("csv", "print CSV").Positional("TABLE", 0, 1);
  if (!line.Parse(arguments)) return 0;
  if (line.Has("csv") && line.json())
    throw InputError({"command line", ""}, "has both --csv and --json", "one of them");
  if (line.positional().empty()) {
    if (line.json()) {
      Json list = Json::array();
      for (const results::PaperTable& paper : results::PaperTables()) {
        list.push_back({{"name", paper.name}, {"title", paper.title}, {"rows", paper.rows.size()}});
      }
      fmt::print("{}\n", list.dump(2));
    } else if (line.Has("csv")) {
      using Cells = std::array<std::string, 3>;
      fmt::print("{}", results::CsvLine(Cells{"table", "rows", "what"}));
      for (const results::PaperTable& paper : results::PaperTables()) {
        const Cells cells = {paper.name, std::to_string(paper.rows.size()), paper.title};
        fmt::print("{}", results::CsvLine(cells));
      }
    } else {
      PrintList();
    }
    return 0;
  }
  const results::PaperTable& paper = results::PaperTableByName(line.positional()[0]);
  if (line.json()) {
    fmt::print("{}\n", ToJson(paper).dump(2));
  } else if (line.Has("csv")) {
    fmt::print("{}", results::CsvLine(paper.columns));
    for (const auto& row : paper.rows) fmt::print("{}", results::CsvLine(row));
  } else {
    Print(paper);
  }
  return 0;
}

}  // namespace deepthin::explorer

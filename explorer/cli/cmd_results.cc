// deepthin results export
#include <fmt/format.h>

#include "explorer/candidates.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "results/csv.h"
#include "results/sqlite_store.h"
#include "spec/files.h"

namespace deepthin::explorer {
namespace {

std::string AsCsv(const std::vector<Candidate>& candidates) {
  std::string out = results::CsvLine(CsvColumns());
  for (const Candidate& candidate : candidates) out += results::CsvLine(CsvRow(candidate));
  return out;
}

std::string AsJson(const std::vector<Candidate>& candidates) {
  Json rows = Json::array();
  for (const Candidate& candidate : candidates) rows.push_back(ToJson(candidate));
  return rows.dump(2) + "\n";
}

int Export(const Arguments& arguments) {
  CommandLine line({.usage = "deepthin results export --csv|--json [options]",
                    .text = "Every point of every sweep in the database: as CSV one line each, as\n"
                            "JSON with raw samples and the cost of every operator.",
                    .examples = {"deepthin results export --csv > results.csv",
                                 "deepthin results export --json --sweep demo --out demo.json"}});
  line.Flag("csv", "write CSV")
      .Text("db", "database file", "deepthin.db")
      .Text("sweep", "only this sweep (name or hash)")
      .Text("out", "file to write instead of standard output");
  if (!line.Parse(arguments)) return 0;
  if (line.Has("csv") == line.json()) {
    throw InputError({"command line", ""},
                     line.json() ? "has both --csv and --json" : "has neither --csv nor --json",
                     "one of them");
  }
  const auto store =
      results::OpenSqliteStore(*line.GetFilled("db"), results::OpenMode::kReadExisting);
  const auto wanted = line.Get("sweep");
  std::vector<Candidate> candidates;
  bool is_known = !wanted;
  for (const results::SweepRecord& sweep : store->Sweeps()) {
    if (wanted && sweep.name != *wanted && sweep.hash != *wanted) continue;
    is_known = true;
    for (Candidate& candidate : CandidatesOf(*store, sweep)) {
      candidates.push_back(std::move(candidate));
    }
  }
  if (!is_known) {
    throw InputError({"command line", "--sweep"}, "is '" + *wanted + "'",
                     "one that 'deepthin sweep status' lists");
  }
  const std::string text = line.json() ? AsJson(candidates) : AsCsv(candidates);
  if (const auto path = line.GetFilled("out")) {
    WriteFileAtomically(*path, text);
    fmt::print(stderr, "{} points written to {}\n", candidates.size(), *path);
  } else {
    fmt::print("{}", text);
  }
  return 0;
}

}  // namespace

int RunResults(const Arguments& arguments) {
  return RunSubcommand("results", arguments,
                       {{"export", "every point of every sweep as CSV or JSON", Export}});
}

}  // namespace deepthin::explorer

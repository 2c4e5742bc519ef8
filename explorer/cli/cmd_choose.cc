// deepthin choose
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "explorer/choose.h"
#include "explorer/cli/candidate_table.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "results/sqlite_store.h"

namespace deepthin::explorer {
namespace {

void RequireKnownSoc(const std::vector<Candidate>& candidates, const std::string& soc,
                     const std::string& database) {
  std::set<std::string> known;
  for (const Candidate& candidate : candidates) {
    if (candidate.problem) known.insert(candidate.problem->soc.name);
  }
  if (known.empty() || known.contains(soc)) return;
  throw InputError(
      {"command line", "--soc"}, "is '" + soc + "'",
      fmt::format("a SoC that {} has estimates for: {}", database, fmt::join(known, ", ")));
}

}  // namespace

int RunChoose(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin choose [options]",
       .text = "Of all designs in the database that are within the budget: those that no other\n"
               "one beats in both estimated decode time and accuracy proxy (the Pareto front).\n"
               "The proxy is decoder_params, the baseline: it ranks sizes well and near-equals\n"
               "hardly (Kendall tau 0.74 and 0.64 on Table 11 of the paper).",
       .examples = {"deepthin choose --params 125M --soc iphone-13",
                    "deepthin choose --params 125M --within 5% --decode 12ms",
                    "deepthin choose --memory 300MB --json"}});
  line.Text("db", "database file", "deepthin.db")
      .Text("params", "parameter budget, as 125M (matrices, as the paper counts)")
      .Text("within", "how far params may be off; default: 10%")
      .Text("soc", "only estimates for this SoC")
      .Text("decode", "longest estimated time per token, as 15ms")
      .Text("prefill", "longest estimated time to first token (TTFT)")
      .Text("memory", "largest estimated peak memory, as 512MiB");
  if (!line.Parse(arguments)) return 0;

  Budget budget;
  if (const auto text = line.Get("params")) budget.params = CountFromText(*text, "params");
  if (const auto text = line.Get("within")) {
    if (!budget.params)
      throw InputError({"command line", "--within"}, "is given", "it beside --params");
    budget.params_tolerance = ShareFromText(*text, "within");
  }
  budget.soc = line.Get("soc");
  if (const auto text = line.Get("decode")) budget.decode = TimeFromText(*text, "decode");
  if (const auto text = line.Get("prefill")) budget.prefill = TimeFromText(*text, "prefill");
  if (const auto text = line.Get("memory")) budget.memory = BytesFromText(*text, "memory");

  const auto store =
      results::OpenSqliteStore(*line.GetFilled("db"), results::OpenMode::kReadExisting);
  const std::vector<Candidate> candidates = AllCandidates(*store);
  if (budget.soc) RequireKnownSoc(candidates, *budget.soc, *line.GetFilled("db"));
  const Choice choice = Choose(candidates, budget);
  if (line.json()) {
    Json rows = Json::array();
    for (const Candidate& candidate : choice.front) rows.push_back(ToJson(candidate));
    fmt::print("{}\n", Json{{"considered", choice.considered},
                            {"over_budget", choice.over_budget},
                            {"incomplete", choice.incomplete},
                            {"pareto_front", std::move(rows)}}
                           .dump(2));
    return 0;
  }
  if (!choice.front.empty()) fmt::print("{}", CandidateTable(choice.front));
  fmt::print(stderr,
             "{} of {} designs within the budget are on the Pareto front (estimated decode time, "
             "decoder parameters); {} over budget, {} without an estimate or a score\n",
             choice.front.size(), choice.considered, choice.over_budget, choice.incomplete);
  if (choice.front.empty()) {
    fmt::print(stderr, "widen the budget, or add designs: deepthin sweep run SWEEP --db {}\n",
               *line.GetFilled("db"));
  }
  return 0;
}

}  // namespace deepthin::explorer

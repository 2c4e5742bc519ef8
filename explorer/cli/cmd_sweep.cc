// deepthin sweep run|status|list
#include <fmt/format.h>

#include "explorer/accuracy/score_evaluator.h"
#include "explorer/accuracy/training_evaluator.h"
#include "explorer/candidates.h"
#include "explorer/cli/candidate_table.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/interrupt.h"
#include "explorer/cli/progress.h"
#include "explorer/cli/proxy_options.h"
#include "explorer/cli/shared_options.h"
#include "explorer/cli/table.h"
#include "results/sqlite_store.h"
#include "sweeps/driver.h"
#include "sweeps/evaluator_table.h"

namespace deepthin::explorer {
namespace {

constexpr const char* kDefaultDatabase = "deepthin.db";

// Every evaluator there is, and with it the one that trains.
std::vector<sweeps::EvaluatorEntry> Evaluators(const TrainingWorkplace& workplace,
                                               const ProxyContext& context) {
  std::vector<sweeps::EvaluatorEntry> all = AllEvaluators(context);
  all.push_back(TrainingEvaluator(workplace));
  return all;
}

Json ToJson(const sweeps::Summary& summary) {
  return {{"sweep_hash", summary.sweep_hash}, {"trials", summary.total},
          {"evaluated", summary.evaluated},   {"reused", summary.reused},
          {"already_done", summary.already},  {"infeasible", summary.infeasible},
          {"failed", summary.failed},         {"interrupted", summary.interrupted}};
}

Json TableJson(const std::vector<Candidate>& candidates) {
  Json rows = Json::array();
  for (const Candidate& candidate : candidates) rows.push_back(ToJson(candidate));
  return rows;
}

void PrintSummary(const sweeps::Summary& summary, const std::string& database) {
  fmt::print(stderr, "{} trials: {} evaluated now, {} done before, {} known from other sweeps",
             summary.total, summary.evaluated, summary.already, summary.reused);
  if (summary.infeasible > 0) fmt::print(stderr, ", {} infeasible", summary.infeasible);
  if (summary.failed > 0) fmt::print(stderr, ", {} failed", summary.failed);
  fmt::print(stderr, "; all in {}\n", database);
}

int Run(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin sweep run SWEEP [options]",
       .text = "Evaluates every point of a sweep: scores, estimates and measurements, as its\n"
               "definition asks. SWEEP is a shipped definition (deepthin sweep list) or a JSON\n"
               "file. What the database holds already is not done again, so an interrupted sweep\n"
               "goes on where it stopped, and a finished one costs nothing.",
       .examples = {"deepthin sweep run demo", "deepthin sweep run table-11-125m --db mine.db",
                    "deepthin sweep run my-sweep.json --json > table.json"}});
  line.Text("db", "database file; made where absent", kDefaultDatabase)
      .Text("runs", "folder of training runs in progress; default: beside the database")
      .Text("threads,t", "of trainings and scores; default: every CPU that the process may use")
      .List("text", "text file for proxies that read one; may be given again")
      .Flag("retry-failures", "ask again what failed in an earlier run")
      .Positional("SWEEP", 1, 1);
  if (!line.Parse(arguments)) return 0;

  const std::string& argument = line.positional()[0];
  const std::string database = *line.GetFilled("db");
  const sweeps::Sweep sweep = sweeps::SweepFromArgument(argument);
  const auto points = sweeps::PointsOf(sweep, argument);
  ProgressLine progress;
  sweeps::Progress last;  // before the trial in flight
  const auto show = [&](const sweeps::Progress& p, const std::string& more) {
    const std::string what = p.evaluator.empty() ? "" : fmt::format("{} {}", p.evaluator, p.label);
    progress.Show(p.done, p.total, "trials", p.elapsed, p.eta, what + more);
  };
  const auto show_step = [&](const TrainingNews& news, const TrainingRun& run) {
    show(last,
         fmt::format("  step {}/{}  loss {:.3f}", news.step, run.options.rate.steps, news.loss));
  };
  const auto evaluators = sweeps::MakeEvaluators(
      sweep,
      Evaluators({.folder = line.GetFilled("runs").value_or(database + ".runs"),
                  .threads = ThreadsFrom(line),
                  .on_step = show_step,
                  .should_stop = Interrupted},
                 ContextFrom(line)),
      argument);
  const auto store = results::OpenSqliteStore(database, results::OpenMode::kCreateOrExtend);

  fmt::print(stderr, "{}{}{}\n{} points x {} evaluators, into {}\n", sweep.name,
             sweep.description.empty() ? "" : ": ", sweep.description, points.size(),
             evaluators.size(), database);
  NoteInterrupts();
  sweeps::DriverOptions options;
  options.retry_failures = line.Has("retry-failures");
  options.should_stop = [] { return Interrupted(); };
  options.on_progress = [&](const sweeps::Progress& p) {
    last = p;
    show(p, "");
  };
  const sweeps::Summary summary = RunSweep(sweep, points, evaluators, *store, options);
  progress.Finish();

  const auto candidates = CandidatesOf(*store, sweeps::RecordOf(sweep));
  if (line.json()) {
    fmt::print("{}\n",
               Json{{"summary", ToJson(summary)}, {"points", TableJson(candidates)}}.dump(2));
  } else {
    fmt::print("{}", CandidateTable(candidates));
  }
  PrintSummary(summary, database);
  if (summary.interrupted) {
    fmt::print(stderr, "interrupted; go on with: deepthin sweep run {} --db {}\n", argument,
               database);
    return kInterruptedExitCode;
  }
  fmt::print(stderr,
             "next: deepthin choose --db {0}            the designs worth training\n"
             "      deepthin estimate mobilellm-125m    where the time of a token goes\n"
             "      deepthin results export --csv --db {0}\n",
             database);
  return summary.failed > 0 ? 1 : 0;
}

results::SweepRecord FindSweep(results::Store& store, const std::string& name) {
  std::string names;
  std::optional<results::SweepRecord> newest;
  for (const results::SweepRecord& sweep : store.Sweeps()) {
    if (sweep.name == name || sweep.hash == name) newest = sweep;
    names += (names.empty() ? "" : ", ") + sweep.name;
  }
  if (newest) return *newest;
  throw InputError({"command line", ""}, "'" + name + "' is no sweep of this database",
                   names.empty() ? "one that was run" : "one of " + names);
}

struct StatusCounts {
  int64_t points = 0;
  int64_t answered = 0;
  int64_t total = 0;
};

StatusCounts CountStatus(results::Store& store, const results::SweepRecord& sweep) {
  StatusCounts counts;
  for (const results::PointResult& result : store.Results(sweep.hash)) {
    ++counts.points;
    counts.answered += static_cast<int64_t>(result.trials.size());
  }
  counts.total = counts.points * static_cast<int64_t>(sweep.evaluators.size());
  return counts;
}

int Status(const Arguments& arguments) {
  CommandLine line({.usage = "deepthin sweep status [SWEEP] [options]",
                    .text = "Without SWEEP: every sweep of the database and how far it is.\n"
                            "With SWEEP (name or hash): its table as far as it is known.",
                    .examples = {"deepthin sweep status", "deepthin sweep status demo"}});
  line.Text("db", "database file", kDefaultDatabase).Positional("SWEEP", 0, 1);
  if (!line.Parse(arguments)) return 0;
  const auto store =
      results::OpenSqliteStore(*line.GetFilled("db"), results::OpenMode::kReadExisting);

  if (!line.positional().empty()) {
    const auto sweep = FindSweep(*store, line.positional()[0]);
    const auto candidates = CandidatesOf(*store, sweep);
    if (line.json()) {
      fmt::print("{}\n", TableJson(candidates).dump(2));
    } else {
      fmt::print("{}", CandidateTable(candidates));
    }
    return 0;
  }
  Table table({{"sweep", Align::kLeft},
               {"points"},
               {"trials done"},
               {"of"},
               {"started", Align::kLeft},
               {"hash", Align::kLeft}});
  Json rows = Json::array();
  for (const results::SweepRecord& sweep : store->Sweeps()) {
    const StatusCounts counts = CountStatus(*store, sweep);
    table.Row({sweep.name, std::to_string(counts.points), std::to_string(counts.answered),
               std::to_string(counts.total), sweep.created_at, sweep.hash});
    rows.push_back({{"sweep", sweep.name},
                    {"hash", sweep.hash},
                    {"points", counts.points},
                    {"trials_done", counts.answered},
                    {"trials", counts.total},
                    {"started_at", sweep.created_at}});
  }
  fmt::print("{}", line.json() ? rows.dump(2) + "\n" : table.ToString());
  return 0;
}

int List(const Arguments& arguments) {
  CommandLine line({.usage = "deepthin sweep list [options]",
                    .text = "The sweep definitions that come with the program, and what a\n"
                            "definition may ask for.",
                    .examples = {"deepthin sweep list", "deepthin sweep list --show demo"}});
  line.Text("show", "print one definition as JSON, to start an own one from");
  if (!line.Parse(arguments)) return 0;
  if (const auto name = line.Get("show")) {
    static_cast<void>(sweeps::SweepFromArgument(*name));
    for (const EmbeddedFile& shipped : sweeps::ShippedSweeps()) {
      if (shipped.name == *name + ".json") fmt::print("{}", shipped.text);
    }
    return 0;
  }
  Table table({{"sweep", Align::kLeft}, {"points"}, {"what", Align::kLeft}});
  Json rows = Json::array();
  for (const EmbeddedFile& shipped : sweeps::ShippedSweeps()) {
    const std::string stem(shipped.name.substr(0, shipped.name.rfind('.')));
    const auto sweep = sweeps::SweepFromArgument(stem);
    const auto points = sweeps::PointsOf(sweep, stem).size();
    table.Row({sweep.name, std::to_string(points), sweep.description});
    rows.push_back({{"sweep", sweep.name}, {"points", points}, {"description", sweep.description}});
  }
  if (line.json()) {
    fmt::print("{}\n", rows.dump(2));
    return 0;
  }
  fmt::print("{}\nEvaluators:\n", table.ToString());
  for (const auto& evaluator : Evaluators({}, {})) {
    fmt::print("  {:<9} {}\n", evaluator.name, evaluator.help);
  }
  return 0;
}

}  // namespace

int RunSweepCommand(const Arguments& arguments) {
  return RunSubcommand("sweep", arguments,
                       {{"run", "evaluate every point of a sweep, or go on with it", Run},
                        {"status", "how far the sweeps of a database are", Status},
                        {"list", "the definitions that come with the program", List}});
}

}  // namespace deepthin::explorer

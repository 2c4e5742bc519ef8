// deepthin experiment run|list|export|import|page
#include <fmt/format.h>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/interrupt.h"
#include "explorer/cli/progress.h"
#include "explorer/cli/shared_options.h"
#include "explorer/cli/table.h"
#include "explorer/experiment/page.h"
#include "explorer/experiment/sample.h"
#include "explorer/experiment/summary.h"
#include "explorer/experiment/work.h"
#include "results/sqlite_store.h"
#include "spec/files.h"
#include "sweeps/driver.h"

namespace deepthin::explorer {
namespace {

constexpr const char* kDefaultDatabase = "experiment.db";

// Where the runs of that database lie.
std::string RunsFolder(const CommandLine& line, const std::string& database) {
  return line.GetFilled("runs").value_or(database + ".runs");
}

// "1/2": the first of two processes that share the work.
struct Shard {
  int64_t number = 1;
  int64_t of = 1;
};

Shard ShardFrom(const CommandLine& line) {
  const std::string text = *line.Get("shard");
  const auto refuse = [&] {
    throw InputError({"command line", "--shard"}, "is '" + text + "'", "1/2, 2/2 or the like");
  };
  const size_t slash = text.find('/');
  if (slash == std::string::npos) refuse();
  const Json number = ScalarFromText(text.substr(0, slash));
  const Json of = ScalarFromText(text.substr(slash + 1));
  if (!number.is_number_integer() || !of.is_number_integer()) refuse();
  const Shard shard{.number = number.get<int64_t>(), .of = of.get<int64_t>()};
  if (shard.number < 1 || shard.number > shard.of || shard.of > 1000) refuse();
  return shard;
}

// The line that is shown while a run is made.
class ExperimentProgress {
 public:
  ExperimentProgress(const std::vector<ExperimentSweep>& sweeps, results::Store& store)
      : work_(WorkOf(sweeps, store)) {}

  void Begin(const std::string& sweep, std::string_view label) {
    what_ = sweep + "  " + std::string(label);
  }

  void Show(const TrainingNews& news, const TrainingRun& run) {
    const double step_macs = MacsOf(run.model, run.options.shape, 1);
    if (news.step <= last_step_) macs_before_ += macs_of_run_;  // another run
    last_step_ = news.step;
    macs_of_run_ = step_macs * static_cast<double>(news.steps_now);
    const double done = macs_before_ + macs_of_run_;
    const Seconds elapsed = watch_.elapsed();
    const double left = work_.macs - done;
    std::optional<Seconds> eta;
    if (done > 0 && left > 0) eta = elapsed * (left / done);
    const double rate =
        static_cast<double>(news.steps_now * run.options.shape.predicted()) / news.time_now.value();
    line_.Show(runs_, work_.runs, "runs", elapsed, eta,
               fmt::format("step {}/{}  loss {:.3f}  {} tokens/s  {}", news.step,
                           run.options.rate.steps, news.loss, HumanRate(rate), what_));
  }

  void FinishRun() { ++runs_; }
  void Finish() { line_.Finish(); }

 private:
  ProgressLine line_;
  Stopwatch watch_;
  ExperimentWork work_;
  std::string what_;
  int64_t runs_ = 0;
  int64_t last_step_ = 0;
  double macs_before_ = 0;
  double macs_of_run_ = 0;
};

std::vector<ExperimentSweep> SweepsOfShard(const Experiment& experiment, const Shard& shard) {
  std::vector<ExperimentSweep> out;
  int64_t index = 0;
  for (ExperimentSweep& each : SweepsOf(experiment)) {
    if (index++ % shard.of == shard.number - 1) out.push_back(std::move(each));
  }
  return out;
}

struct RunSummary {
  int64_t evaluated = 0;
  int64_t failed = 0;
  bool interrupted = false;
};

RunSummary RunAll(const std::vector<ExperimentSweep>& sweeps, const TrainingWorkplace& workplace,
                  results::Store& store, ExperimentProgress& progress, bool retry_failures) {
  const std::vector<sweeps::EvaluatorEntry> table = {TrainingEvaluator(workplace)};
  RunSummary total;
  for (const ExperimentSweep& each : sweeps) {
    const auto evaluators = sweeps::MakeEvaluators(each.sweep, table, each.sweep.name);
    int64_t done = -1;
    const sweeps::DriverOptions options{.on_progress =
                                            [&](const sweeps::Progress& p) {
                                              if (done >= 0 && p.done > done) progress.FinishRun();
                                              done = p.done;
                                              progress.Begin(each.sweep.name, p.label);
                                            },
                                        .should_stop = [] { return Interrupted(); },
                                        .retry_failures = retry_failures};
    const sweeps::Summary summary = RunSweep(each.sweep, each.points, evaluators, store, options);
    total.evaluated += summary.evaluated;
    total.failed += summary.failed;
    total.interrupted = summary.interrupted;
    if (summary.interrupted) break;
  }
  return total;
}

int Run(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin experiment run EXPERIMENT [options]",
       .text =
           "Trains all models of an experiment, one after another, and keeps each outcome in a\n"
           "database. EXPERIMENT is a shipped one (deepthin experiment list) or a JSON file.\n"
           "Ctrl-C and kill -9 lose at most the steps since a run's last checkpoint: the same\n"
           "command goes on. Several processes may share the work (--shard 1/2 and 2/2).",
       .examples = {"deepthin experiment run twins --db twins.db --runs twins-runs",
                    "deepthin experiment run my.json --threads 1 --shard 1/2"}});
  line.Text("db", "database file; made where absent", kDefaultDatabase)
      .Text("runs", "folder of the runs; default: beside the database")
      .Text("shard", "the part of this process", "1/1")
      .Flag("retry-failures", "ask again what failed in an earlier run")
      .Positional("EXPERIMENT", 1, 1);
  AddThreadsOption(line);
  if (!line.Parse(arguments)) return 0;
  const std::string& name = line.positional()[0];
  const std::string database = *line.GetFilled("db");
  const auto sweeps = SweepsOfShard(ExperimentFromArgument(name), ShardFrom(line));
  const auto store = results::OpenSqliteStore(database, results::OpenMode::kCreateOrExtend);

  NoteInterrupts();
  ExperimentProgress progress(sweeps, *store);
  const TrainingWorkplace workplace{
      .folder = RunsFolder(line, database),
      .threads = ThreadsFrom(line),
      .on_step = [&](const TrainingNews& news,
                     const TrainingRun& run) { progress.Show(news, run); },
      .should_stop = [] { return Interrupted(); }};
  const RunSummary summary =
      RunAll(sweeps, workplace, *store, progress, line.Has("retry-failures"));
  progress.Finish();
  const ExperimentWork left = WorkOf(sweeps, *store);
  if (line.json()) {
    fmt::print("{}\n", Json{{"evaluated", summary.evaluated},
                            {"failed", summary.failed},
                            {"runs_left", left.runs},
                            {"interrupted", summary.interrupted}}
                           .dump(2));
  }
  fmt::print(stderr, "{} runs made now, {} failed, {} left; all in {}\n", summary.evaluated,
             summary.failed, left.runs, database);
  if (summary.interrupted) {
    fmt::print(stderr, "interrupted; go on with the same command\n");
    return kInterruptedExitCode;
  }
  fmt::print(stderr, "next: deepthin experiment export {} --db {} --out FILE.jsonl\n", name,
             database);
  return summary.failed > 0 ? 1 : 0;
}

int List(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin experiment list [options]",
       .text = "The experiments that come with the program: models, runs, tokens, and\n"
               "the multiply-adds that all their runs need.",
       .examples = {"deepthin experiment list", "deepthin experiment list --show twins"}});
  line.Text("show", "print one definition as JSON, to start an own one from");
  if (!line.Parse(arguments)) return 0;
  if (const auto name = line.Get("show")) {
    fmt::print("{}\n", ToJson(ExperimentFromArgument(*name)).dump(2));
    return 0;
  }
  Table table({{"experiment", Align::kLeft},
               {"runs"},
               {"tokens"},
               {"tera multiply-adds"},
               {"what", Align::kLeft}});
  Json rows = Json::array();
  for (const EmbeddedFile& shipped : ShippedExperiments()) {
    const std::string stem(shipped.name.substr(0, shipped.name.rfind('.')));
    const Experiment experiment = ExperimentFromArgument(stem);
    const ExperimentWork work = WorkOf(SweepsOf(experiment));
    table.Row({experiment.name, std::to_string(work.runs), HumanCount(work.tokens),
               fmt::format("{:.1f}", work.macs * 1e-12), experiment.description});
    rows.push_back({{"experiment", experiment.name},
                    {"runs", work.runs},
                    {"tokens", work.tokens},
                    {"macs", work.macs},
                    {"description", experiment.description}});
  }
  fmt::print("{}", line.json() ? rows.dump(2) + "\n" : table.ToString());
  return 0;
}

// Writes to --out, or to standard output.
void Deliver(const CommandLine& line, const std::string& text) {
  if (const auto path = line.GetFilled("out")) {
    WriteFileAtomically(*path, text);
    fmt::print(stderr, "wrote {}\n", *path);
  } else {
    fmt::print("{}", text);
  }
}

int Export(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin experiment export EXPERIMENT [options]",
       .text = "What a database has of an experiment, as one small file of JSON lines:\n"
               "its definition, then each run with its loss curve, and a text that the\n"
               "weights of the best one generate, where its folder is still there. Any part\n"
               "of the runs will do. The output is JSON with and without --json.",
       .examples = {"deepthin experiment export twins --db twins.db --out twins.jsonl"}});
  line.Text("db", "database file", kDefaultDatabase)
      .Text("runs", "folder of the runs; default: beside the database")
      .Text("out", "file to write instead of standard output")
      .Positional("EXPERIMENT", 1, 1);
  if (!line.Parse(arguments)) return 0;
  const Experiment experiment = ExperimentFromArgument(line.positional()[0]);
  const std::string database = *line.GetFilled("db");
  const auto store = results::OpenSqliteStore(database, results::OpenMode::kReadExisting);
  ExperimentResults results = ResultsFromStore(experiment, *store);
  const std::string runs = RunsFolder(line, database);
  results.sample = SampleOfBestRun(results, runs);
  fmt::print(stderr, "{} runs\n", results.rows.size());
  if (!results.sample && BestRun(results) != nullptr) {
    fmt::print(stderr, "no sample: {} has not the weights of the best run (--runs)\n", runs);
  }
  Deliver(line, ResultsText(results));
  return 0;
}

int Import(const Arguments& arguments) {
  CommandLine line({.usage = "deepthin experiment import FILE [options]",
                    .text =
                        "Makes a results database from a file that 'experiment export' wrote, or\n"
                        "adds to one what it lacks.",
                    .examples = {"deepthin experiment import results/experiments/twins.jsonl "
                                 "--db twins.db"}});
  line.Text("db", "database file; made where absent", kDefaultDatabase).Positional("FILE", 1, 1);
  if (!line.Parse(arguments)) return 0;
  const std::string& path = line.positional()[0];
  const ExperimentResults results = ResultsFromText(ReadFile(path), path);
  const std::string database = *line.GetFilled("db");
  const auto store = results::OpenSqliteStore(database, results::OpenMode::kCreateOrExtend);
  IntoStore(results, *store);
  if (line.json()) {
    fmt::print("{}\n", Json{{"runs", results.rows.size()}, {"database", database}}.dump(2));
  }
  fmt::print(stderr, "{} runs of {} sweeps, in {}\n", results.rows.size(), results.sweeps.size(),
             database);
  return 0;
}

int Page(const Arguments& arguments) {
  CommandLine line({.usage = "deepthin experiment page FILE [options]",
                    .text =
                        "What the runs in a results file show, as Markdown: learning rates, the\n"
                        "error that seeds make, differences with intervals, and the paper's\n"
                        "values beside them. With --json the cells as data.",
                    .examples = {"deepthin experiment page results/experiments/twins.jsonl --out "
                                 "docs/experiment-twins.md"}});
  line.Text("out", "file to write instead of standard output").Positional("FILE", 1, 1);
  if (!line.Parse(arguments)) return 0;
  const std::string& path = line.positional()[0];
  const ExperimentResults results = ResultsFromText(ReadFile(path), path);
  if (!line.json()) {
    Deliver(line, ExperimentPage(results, "deepthin experiment page " + path));
    return 0;
  }
  Json rows = Json::array();
  for (const ExperimentCell& cell : CellsOf(results)) {
    Json losses = Json::object();
    for (const auto& [seed, loss] : cell.losses) losses[std::to_string(seed)] = loss;
    rows.push_back({{"group", results.experiment.groups[cell.group].name},
                    {"learning_rate", cell.learning_rate},
                    {"label", cell.label},
                    {"model", ToJson(cell.model)},
                    {"validation_loss_by_seed", std::move(losses)},
                    {"diverged", cell.diverged},
                    {"planned", cell.planned}});
  }
  Deliver(line, rows.dump(2) + "\n");
  return 0;
}

}  // namespace

int RunExperiment(const Arguments& arguments) {
  return RunSubcommand("experiment", arguments,
                       {{"run", "train all its models, or go on with it", Run},
                        {"list", "the experiments that come with the program", List},
                        {"export", "a database's runs as one small file", Export},
                        {"import", "the database again from such a file", Import},
                        {"page", "what the runs in a file show, as Markdown", Page}});
}

}  // namespace deepthin::explorer

// deepthin proxies
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <utility>

#include "explorer/accuracy/proxy_table.h"
#include "explorer/accuracy/scoreboard.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/interrupt.h"
#include "explorer/cli/proxies_report.h"
#include "explorer/cli/proxy_options.h"
#include "explorer/cli/table.h"
#include "explorer/experiment/trained_runs.h"
#include "explorer/experiment/twin_sets.h"
#include "spec/errors.h"
#include "spec/files.h"

namespace deepthin::explorer {
namespace {

constexpr const char* kOwnRuns = "own runs";
constexpr const char* kResamples = "2000";
constexpr const char* kSeed = "1";

int List(const Arguments& arguments) {
  CommandLine line({.usage = "deepthin proxies list [options]",
                    .text = "The proxies of accuracy that there are.",
                    .examples = {"deepthin proxies list"}});
  if (!line.Parse(arguments)) return 0;
  Table table({{"proxy", Align::kLeft},
               {"version", Align::kLeft},
               {"a 125M score takes", Align::kLeft},
               {"what", Align::kLeft},
               {"settings", Align::kLeft}});
  Json rows = Json::array();
  for (const ProxyEntry& entry : Proxies()) {
    table.Row({std::string(entry.name), std::string(entry.version), std::string(ToText(entry.cost)),
               std::string(entry.help), std::string(entry.settings_help)});
    rows.push_back({{"proxy", entry.name},
                    {"version", entry.version},
                    {"cost", ToText(entry.cost)},
                    {"is_fitted", entry.is_fitted},
                    {"what", entry.help},
                    {"settings", entry.settings_help}});
  }
  fmt::print("{}", line.json() ? rows.dump(2) + "\n" : table.ToString());
  return 0;
}

CommandLine& Declare(CommandLine& line) {
  AddProxyOptions(line,
                  "NAME[,NAME] or all (that need no training), each with settings as "
                  "NAME:key=value; their scores are computed where --scores has them not");
  line.Text("scores", "file in which scores that take seconds or hours are kept; is gone on with")
      .Text("trained", "file of trained rows or runs, each of whose tables is judged by too")
      .List("experiment",
            "results file of an experiment with small twins, whose groups are judged by, and whose "
            "losses are judged as a proxy of the paper's models; may be given again")
      .Text("target", "what these rows' targets are", kOwnRuns)
      .List("set", "judge by the sets of this title alone, as 'Table 11, 125M'; may be given again")
      .Text("out", "write the page there instead of printing it")
      .Text("resamples", "of the bootstrap", kResamples)
      .Text("seed", "of the bootstrap", kSeed);
  return line;
}

// Those whose titles are asked for; all where none is.
std::vector<JudgedSet> Chosen(std::vector<JudgedSet> sets, const std::vector<std::string>& titles) {
  if (titles.empty()) return sets;
  std::vector<JudgedSet> chosen;
  for (const std::string& title : titles) {
    const size_t before = chosen.size();
    std::string known;
    for (const JudgedSet& set : sets) {
      if (set.title == title) chosen.push_back(set);
      if (known.find("'" + set.title + "'") != std::string::npos) continue;
      known += (known.empty() ? "'" : ", '") + set.title + "'";
    }
    if (chosen.size() == before) {
      throw InputError({"command line", "--set"}, "'" + title + "' is no set", "one of " + known);
    }
  }
  return chosen;
}

std::vector<TwinSets> TwinsFrom(const CommandLine& line) {
  std::vector<TwinSets> twins;
  for (const std::string& path : line.GetList("experiment")) {
    const std::string file = std::filesystem::path(path).filename();
    twins.push_back(TwinSetsOf(ResultsFromText(ReadFile(path), path), file));
  }
  return twins;
}

// The command, without what does not change the page.
std::string CommandOf(const CommandLine& line) {
  constexpr std::array kOptions = {
      std::pair{"scores", ""}, std::pair{"trained", ""},           std::pair{"target", kOwnRuns},
      std::pair{"out", ""},    std::pair{"resamples", kResamples}, std::pair{"seed", kSeed}};
  std::string command = "deepthin proxies validate";
  for (const std::string& proxy : line.GetList("proxy")) command += " --proxy " + proxy;
  for (const std::string& file : line.GetList("experiment")) command += " --experiment " + file;
  for (const std::string& title : line.GetList("set")) command += " --set '" + title + "'";
  for (const auto& [option, preset] : kOptions) {
    const std::string value = line.Get(option).value_or("");
    if (value == preset) continue;
    const char* const quote = value.find(' ') == std::string::npos ? "" : "'";
    command += fmt::format(" --{} {}{}{}", option, quote, value, quote);
  }
  return command;
}

int ValidateProxies(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin proxies validate [options]",
       .text =
           "How well each proxy ranks models that were trained in full: Kendall's tau, Spearman's\n"
           "rho, and the share of pairs of one budget that it orders rightly, with bootstrap\n"
           "intervals, beside the parameter count and what the evaluations' error would leave a\n"
           "perfect proxy. On the tables of MobileLLM, on an experiment's small twins\n"
           "(--experiment), and on rows of your own (--trained). Without --proxy: the proxies "
           "that\n"
           "take no time, those with scores in --scores, and on twins those that take seconds.",
       .examples = {
           "deepthin proxies validate --out docs/proxies.md",
           "deepthin proxies validate --experiment results/experiments/twins-small.jsonl",
           "deepthin proxies validate --proxy all --scores scores.jsonl --text a.txt",
           "deepthin proxies validate --trained twins.json --target 'minus loss' --json"}});
  Declare(line);
  if (!line.Parse(arguments)) return 0;
  const auto out = line.GetFilled("out");
  if (out) RequireWritable(*out);
  const auto scores_path = line.GetFilled("scores");
  KeptScores kept = scores_path ? KeptScores(*scores_path) : KeptScores();
  std::vector<AskedProxy> proxies = ProxiesFrom(line);
  BoardOptions options;
  options.may_execute = !proxies.empty();
  const std::vector<TwinSets> twins = TwinsFrom(line);
  if (proxies.empty()) proxies = FreeProxies(kept, !twins.empty());
  options.context = ContextFrom(line);
  options.bootstrap.resamples = line.GetInt("resamples", 1, 1'000'000);
  options.bootstrap.seed = static_cast<uint64_t>(line.GetInt("seed", 0, INT64_MAX));
  options.on_score = [](const std::string& proxy, const std::string& row) {
    fmt::print(stderr, "{}: {}\n", proxy, row);
  };
  std::vector<JudgedSet> sets = PaperSets();
  for (const TwinSets& each : twins) AddTwins(each, sets, proxies);
  if (const auto path = line.GetFilled("trained")) {
    const std::vector<TrainedRow> rows = ReadRowsOfAnyKind(*path, "");
    for (JudgedSet& set : SetsOf(rows, *line.Get("target"))) sets.push_back(std::move(set));
  }
  sets = Chosen(std::move(sets), line.GetList("set"));
  NoteInterrupts();
  try {
    Scoreboard board = MakeScoreboard(sets, std::move(proxies), kept, options);
    for (const TwinSets& each : twins) {
      for (const std::string& sentence : each.left_out) board.left_out.push_back(sentence);
    }
    if (out) WriteFileAtomically(*out, ProxiesPage(board, CommandOf(line)));
    if (line.json()) {
      fmt::print("{}\n", ToJson(board).dump(2));
    } else if (!out) {
      fmt::print("{}", ProxiesPage(board, CommandOf(line)));
    }
  } catch (const ProxyContext::Stopped&) {
    return kInterruptedExitCode;
  }
  return 0;
}

}  // namespace

int RunProxies(const Arguments& arguments) {
  return RunSubcommand(
      "proxies", arguments,
      {{"list", "the proxies that there are", List},
       {"validate", "judge them by models that were trained in full", ValidateProxies}});
}

}  // namespace deepthin::explorer

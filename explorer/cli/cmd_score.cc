// deepthin score
#include <fmt/format.h>

#include "explorer/accuracy/proxy_table.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/interrupt.h"
#include "explorer/cli/proxies_report.h"
#include "explorer/cli/proxy_options.h"
#include "explorer/cli/table.h"
#include "explorer/experiment/trained_runs.h"
#include "spec/errors.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {
namespace {

struct NamedScore {
  std::string model;
  std::string proxy;  // as asked for
  std::string_view unit;
  ModelSpec spec;
  ProxyScore score;
};

struct NamedModel {
  std::string name;
  ModelSpec spec;
};

// By proxy, so that models stand below each other.
std::vector<NamedScore> ScoresOf(const std::vector<NamedModel>& models,
                                 const std::vector<AskedProxy>& proxies,
                                 const ProxyContext& context) {
  std::vector<NamedScore> scores;
  for (const AskedProxy& asked : proxies) {
    const auto proxy =
        MakeProxy(*asked.entry, asked.settings, {"--proxy " + asked.argument, ""}, context);
    for (const auto& [name, spec] : models) {
      if (asked.entry->cost != ProxyCost::kInstant) {
        fmt::print(stderr, "{}: {}\n", asked.argument, name);
      }
      scores.push_back({name, asked.argument, asked.entry->unit, spec, proxy->Score(spec)});
    }
  }
  return scores;
}

void Print(const std::vector<NamedScore>& scores) {
  Table table({{"proxy", Align::kLeft},
               {"model", Align::kLeft},
               {"score"},
               {"90 % interval", Align::kLeft},
               {"in domain", Align::kLeft},
               {"how", Align::kLeft}});
  for (const auto& [model, proxy, unit, spec, score] : scores) {
    table.Row({proxy, model, ScoreText(score, unit), IntervalText(score),
               score.in_domain ? "yes" : "no", score.method});
  }
  fmt::print("{}", table.ToString());
}

Json JsonOf(const std::vector<NamedScore>& scores) {
  Json rows = Json::array();
  for (const auto& [model, proxy, unit, spec, score] : scores) {
    Json row = {{"model", model}, {"asked", proxy}, {"spec", ToJson(spec)}};
    row.update(ToJson(score));
    if (score.standard_error) {
      const double half_width = kNinetyPercent * *score.standard_error;
      row["interval_90"] = {{"low", score.value - half_width}, {"high", score.value + half_width}};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

int RunScore(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin score MODEL... [options]",
       .text =
           "How accurate models would be once trained, by proxies: higher is better. What a proxy\n"
           "is worth, 'deepthin proxies validate' says; within one budget of parameters that is\n"
           "little. MODEL is a preset with overrides, or a JSON file. Without --proxy: those that\n"
           "take no time.",
       .examples = {"deepthin score mobilellm-125m mobilellm-350m",
                    "deepthin score mobilellm-125m:n_blocks=20,d_ff=2432 --proxy all",
                    "deepthin score mobilellm-125m --proxy decoder_params,shape_surrogate --json",
                    "deepthin score mobilellm-125m --proxy shape_surrogate:target=hellaswag",
                    "deepthin score my.json --proxy shape_surrogate --trained rows.csv",
                    "deepthin score my.json --proxy shape_surrogate --trained twins.jsonl"}});
  AddProxyOptions(line,
                  "NAME[,NAME] or all (that need no training), each with settings as "
                  "NAME:key=value; may be given again");
  line.List("set", "override a key of the models, as n_blocks=12; may be given again")
      .Text(
          "trained",
          "what fitted proxies learn from: a file of trained rows, an experiment's results file or "
          "a results database; default: the paper's rows")
      .Text("group", "of these rows: whose training is predicted; default: the largest")
      .Positional("MODEL", 1, -1);
  if (!line.Parse(arguments)) return 0;
  std::vector<AskedProxy> proxies = ProxiesFrom(line);
  if (proxies.empty()) {
    for (const ProxyEntry& entry : Proxies()) {
      if (entry.cost == ProxyCost::kInstant)
        proxies.push_back(ParseProxy(std::string(entry.name), {}));
    }
  }
  ProxyContext context = ContextFrom(line);
  context.group = line.GetFilled("group").value_or("");
  if (const auto path = line.GetFilled("trained")) {
    context.rows = ReadRowsOfAnyKind(*path, context.group);
  }

  std::vector<NamedModel> models;
  for (const std::string& name : line.positional()) {
    models.push_back({name, ModelFromArgument(name, line.GetList("set"))});
  }
  NoteInterrupts();
  try {
    const std::vector<NamedScore> scores = ScoresOf(models, proxies, context);
    if (line.json()) {
      fmt::print("{}\n", JsonOf(scores).dump(2));
    } else {
      Print(scores);
    }
  } catch (const ProxyContext::Stopped&) {
    return kInterruptedExitCode;
  }
  return 0;
}

}  // namespace deepthin::explorer

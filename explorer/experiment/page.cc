#include "explorer/experiment/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "explorer/experiment/page_sections.h"

namespace deepthin::explorer {
namespace {

struct Totals {
  int64_t planned = 0;
  int64_t runs = 0;  // with an outcome
  int64_t diverged = 0;
  int64_t infeasible = 0;
};

Totals TotalsOf(const ExperimentResults& results) {
  Totals totals;
  for (const ExperimentSweep& sweep : results.sweeps) {
    totals.planned += static_cast<int64_t>(sweep.points.size());
  }
  for (const ExperimentRow& row : results.rows) {
    ++totals.runs;
    const auto* training = std::get_if<TrainingRecord>(&row.trial.outcome);
    if (training == nullptr) ++totals.infeasible;
    if (training != nullptr && training->diverged) ++totals.diverged;
  }
  return totals;
}

// What was trained at once counts once, however many sweeps ask for it.
std::vector<const TrainingRecord*> DistinctRuns(const ExperimentResults& results) {
  std::vector<const TrainingRecord*> out;
  std::set<std::string> keys;
  for (const ExperimentRow& row : results.rows) {
    const auto* training = std::get_if<TrainingRecord>(&row.trial.outcome);
    if (training != nullptr && keys.insert(row.trial.key).second) out.push_back(training);
  }
  return out;
}

std::string Joined(const std::set<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string SpeedText(const std::vector<const TrainingRecord*>& runs) {
  double least = INFINITY;
  double most = 0;
  double seconds = 0;
  int64_t timed = 0;
  for (const TrainingRecord* run : runs) {
    if (!run->tokens_per_s) continue;
    least = std::min(least, *run->tokens_per_s);
    most = std::max(most, *run->tokens_per_s);
    seconds += static_cast<double>(run->tokens) / *run->tokens_per_s;
    ++timed;
  }
  if (timed == 0) return "";
  return fmt::format(
      "- Speed: {:.0f} to {:.0f} tokens/s, which for all of them makes {:.1f} hours of one run "
      "after another; other work was on the machine.\n",
      least, most, seconds / 3600);
}

std::string RunsText(const ExperimentResults& results) {
  const std::vector<const TrainingRecord*> runs = DistinctRuns(results);
  std::set<std::string> hosts;
  std::set<std::string> commits;
  std::set<std::string> threads;
  for (const TrainingRecord* run : runs) {
    hosts.insert(fmt::format("{} ({})", run->host.cpu_model, run->host.isa));
    commits.insert(run->host.commit);
    threads.insert(std::to_string(run->threads));
  }
  if (runs.empty()) return "";
  return fmt::format("- Trained on {}; threads: {}; commits {}.\n", Joined(hosts), Joined(threads),
                     Joined(commits)) +
         SpeedText(runs);
}

// How far from enough the tokens are.
std::string TokensText(std::span<const ExperimentCell> cells, int64_t tokens) {
  double least = INFINITY;
  double most = 0;
  for (const ExperimentCell& cell : cells) {
    const double per_param =
        static_cast<double>(tokens) / static_cast<double>(CountParams(cell.model).blocks);
    least = std::min(least, per_param);
    most = std::max(most, per_param);
  }
  return fmt::format(
      "- That is {:.2g} to {:.2g} tokens for each decoder parameter. The paper's comparisons have "
      "0.25T tokens for 125M parameters, 2,000 for each: what learns fastest at first is asked "
      "here, what is best in the end is asked there.\n",
      least, most);
}

std::string TrainingText(const Experiment& experiment) {
  const TrainingSettings& t = experiment.training;
  return fmt::format(
      "- Every run: {} steps of {} sequences of {} tokens ({:.2f}M tokens), AdamW, learning rate "
      "{} unless said ({} of the steps rising, then half a cosine to a tenth), parametrisation "
      "`{}` unless said, {} tokens in the vocabulary. The same seed means the same batches for "
      "every model.\n"
      "- Losses are nats per token of held-out works, at most {} tokens of them.\n"
      "- Intervals (±, and from ... to) hold 90 of 100 cases: those of losses and differences by "
      "Student's t, from deviations over the seeds that are pooled over a group's models (three "
      "seeds are too few to be resampled); those of correlations and slopes by bootstrap over the "
      "models (2,000 samples, fixed seed).\n",
      t.steps, t.batch, t.length, static_cast<double>(t.steps * t.batch * t.length) * 1e-6,
      t.learning_rate, t.warmup ? std::to_string(*t.warmup) : "a tenth", ToText(t.parametrisation),
      experiment.vocab_size, t.eval_tokens);
}

std::string GroupsTable(const ExperimentResults& results, std::span<const ExperimentCell> cells) {
  std::string out = "| group | models | runs made | of | diverged |\n|---|--:|--:|--:|--:|\n";
  for (size_t g = 0; g < results.experiment.groups.size(); ++g) {
    int64_t runs = 0;
    int64_t planned = 0;
    int64_t diverged = 0;
    std::set<std::string> models;
    for (const ExperimentCell& cell : cells) {
      if (cell.group != g) continue;
      models.insert(cell.label);
      runs += static_cast<int64_t>(cell.losses.size()) + cell.diverged;
      planned += cell.planned;
      diverged += cell.diverged;
    }
    out += fmt::format("| {} | {} | {} | {} | {} |\n", results.experiment.groups[g].name,
                       models.size(), runs, planned, diverged);
  }
  return out;
}

std::string Head(const ExperimentResults& results, std::span<const ExperimentCell> cells,
                 const std::string& command) {
  const Totals totals = TotalsOf(results);
  const Experiment& experiment = results.experiment;
  const TrainingSettings& t = experiment.training;
  std::string out = fmt::format("# Experiment: {}\n\nWritten by `{}`; do not edit.\n\n{}\n\n",
                                experiment.name, command, experiment.description);
  out += fmt::format("**Made of {} of {} runs** ({} diverged, {} infeasible).{}\n\n", totals.runs,
                     totals.planned, totals.diverged, totals.infeasible,
                     totals.runs < totals.planned
                         ? " What is missing is not guessed: the tables say how many runs each "
                           "figure has, and the sentences below hold for these runs alone."
                         : "");
  return out + GroupsTable(results, cells) + "\n" + TrainingText(experiment) +
         TokensText(cells, t.steps * t.batch * t.length) + RunsText(results);
}

// Of one run of any group, from where most degrees of freedom say it.
std::optional<Deviation> SeedNoise(const ExperimentResults& results,
                                   std::span<const ExperimentCell> cells) {
  std::optional<Deviation> best;
  for (size_t g = 0; g < results.experiment.groups.size(); ++g) {
    const auto of_group = ResidualDeviation(CellsOfGroup(cells, g));
    if (of_group && (!best || of_group->degrees > best->degrees)) best = of_group;
  }
  return best;
}

bool IsBegun(std::span<const ExperimentCell> cells) {
  return std::any_of(cells.begin(), cells.end(), [](const ExperimentCell& cell) {
    return cell.has_runs() || cell.diverged > 0;
  });
}

PageSection SectionOf(const PageGroup& page) {
  if (page.group.learning_rates.size() > 1) return LearningRateSection(page);
  return page.group.random ? ShapesSection(page) : ComparisonSection(page);
}

}  // namespace

std::string ExperimentPage(const ExperimentResults& results, const std::string& command) {
  const std::vector<ExperimentCell> cells = CellsOf(results);
  const auto seed_noise = SeedNoise(results, cells);
  std::string in_short;
  std::string sections;
  std::vector<std::string> not_begun;
  for (size_t g = 0; g < results.experiment.groups.size(); ++g) {
    const ExperimentGroup& group = results.experiment.groups[g];
    const std::vector<ExperimentCell> of_group = CellsOfGroup(cells, g);
    const std::string title = group.title.empty() ? group.name : group.title;
    if (!IsBegun(of_group)) {
      not_begun.push_back(title);
      continue;
    }
    const PageSection section = SectionOf({results.experiment, group, of_group, seed_noise});
    sections += fmt::format("\n## {}\n\n{}", title, section.text);
    if (!section.in_short.empty()) in_short += fmt::format("- {}: {}.\n", title, section.in_short);
  }
  std::string out = Head(results, cells, command);
  if (!in_short.empty()) out += "\n## In short\n\n" + in_short;
  out += sections;
  if (!not_begun.empty()) {
    out += fmt::format("\n## Not begun\n\nNo run has been made yet of: {}.\n",
                       fmt::join(not_begun, "; "));
  }
  if (results.sample) out += "\n## What the best run writes\n\n" + SampleSection(results);
  return out;
}

}  // namespace deepthin::explorer

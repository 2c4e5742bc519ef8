#include "explorer/experiment/twin_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "explorer/accuracy/paper_runs.h"
#include "explorer/accuracy/proxy_table.h"
#include "explorer/experiment/summary.h"
#include "explorer/experiment/trained_runs.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

constexpr size_t kLeastModels = 3;
constexpr const char* kShortTraining = "short_training";

bool AsksLearningRates(const ExperimentGroup& group) { return group.learning_rates.size() > 1; }

// What a group's rows are good for.
struct GroupRows {
  const ExperimentGroup* group = nullptr;
  std::vector<TrainedRow> rows;
  int64_t runs = 0;
  int64_t planned = 0;
  std::string why_not;  // a clause; empty: all models have a run, and all runs are alike
};

GroupRows RowsOf(const ExperimentGroup& group, std::span<const ExperimentCell> cells,
                 const RunRows& all) {
  GroupRows out;
  out.group = &group;
  size_t without = 0;
  for (const ExperimentCell& cell : cells) {
    out.runs += static_cast<int64_t>(cell.losses.size()) + cell.diverged;
    out.planned += cell.planned;
    without += cell.has_runs() || cell.diverged > 0 ? 0 : 1;
  }
  std::set<std::string> alike;
  for (const TrainedRow& row : all.rows) {
    if (row.table != group.name) continue;
    out.rows.push_back(row);
    alike.insert(row.group);
  }
  if (out.runs == 0) {
    out.why_not = "has no runs yet";
  } else if (without > 0) {
    out.why_not = fmt::format("has no run of {} of its {} models yet", without, cells.size());
  } else if (alike.size() > 1) {
    out.why_not = "has runs that are not alike (text, tokens, learning rate or parametrisation)";
  } else if (out.rows.size() < kLeastModels) {
    out.why_not =
        fmt::format("has {} models that did not diverge, too few to rank", out.rows.size());
  }
  return out;
}

std::string TitleOf(const GroupRows& each, const std::string& experiment) {
  std::string title = fmt::format("{}: {}", experiment, each.group->name);
  if (each.runs < each.planned) title += fmt::format(" ({} of {} runs)", each.runs, each.planned);
  return title;
}

// Rows trained as the set was, of other models.
std::vector<TrainedRow> PoolFor(const std::vector<TrainedRow>& rows,
                                const std::vector<TrainedRow>& calibration) {
  std::vector<TrainedRow> pool;
  for (const TrainedRow& row : calibration) {
    const bool is_judged = std::any_of(rows.begin(), rows.end(), [&](const TrainedRow& other) {
      return other.model == row.model;
    });
    if (row.group == rows.front().group && !is_judged) pool.push_back(row);
  }
  return pool;
}

void AddSet(const GroupRows& each, const std::string& experiment,
            const std::vector<TrainedRow>& calibration, TwinSets& out) {
  JudgedSet set{.title = TitleOf(each, experiment),
                .target = kTwinTarget,
                .rows = each.rows,
                .pool = PoolFor(each.rows, calibration)};
  set.is_apart = true;
  set.is_small = true;
  set.kind = each.group->random ? "random small models" : "twins of MobileLLM's models";
  out.sets.push_back(std::move(set));
}

// The models whose twins a group's models are, in their order.
std::vector<ModelSpec> ParentsOf(const ExperimentGroup& group) {
  std::vector<ModelSpec> parents;
  const sweeps::Sweep sweep = sweeps::SweepFromArgument(group.models_of);
  for (const results::Point& point : sweeps::PointsOf(sweep, group.models_of)) {
    const bool is_chosen = group.only.empty() || std::find(group.only.begin(), group.only.end(),
                                                           point.label) != group.only.end();
    if (is_chosen) parents.push_back(std::get<Problem>(point.problem).model);
  }
  return parents;
}

// Twins' losses as scores of their parents.
void AddScores(const GroupRows& each, std::span<const ExperimentCell> cells,
               const std::string& file, TwinSets& out) {
  const std::string& alike = each.rows.front().group;
  if (!out.scored_group.empty() && out.scored_group != alike) {
    out.left_out.push_back(
        fmt::format("{}: group {} was not trained as groups before it, and gives no scores", file,
                    each.group->name));
    return;
  }
  out.scored_group = alike;
  const ProxyEntry& entry = ProxyByName(kShortTraining, {});
  const std::vector<ModelSpec> parents = ParentsOf(*each.group);
  DEEPTHIN_CHECK(parents.size() == cells.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    const auto row = std::find_if(each.rows.begin(), each.rows.end(), [&](const TrainedRow& one) {
      return one.model == cells[i].model;
    });
    if (row == each.rows.end()) continue;
    ProxyScore score;
    score.proxy = entry.name;
    score.version = entry.version;
    score.value = row->target;
    score.standard_error = row->standard_error;
    score.method = fmt::format("minus the loss of its twin in {}", file);
    out.scores.Keep(Json::object(), parents[i], score);
  }
}

// The paper's rows of the models that are scored, of one table.
std::vector<TrainedRow> PaperRowsOf(const ExperimentGroup& group, PaperTarget target) {
  const std::vector<ModelSpec> parents = ParentsOf(group);
  std::vector<TrainedRow> out;
  for (const TrainedRow& row : PaperRuns(target)) {
    // "table-2" is in "table-2/14".
    const bool is_of_table =
        row.table == group.paper->table || row.table.starts_with(group.paper->table + "/");
    const bool is_parent = std::find(parents.begin(), parents.end(), row.model) != parents.end();
    if (is_of_table && is_parent && row.group == kPaperGroup) out.push_back(row);
  }
  return out;
}

bool HasSetOf(const std::vector<TrainedRow>& rows, std::span<const JudgedSet> sets) {
  return std::any_of(sets.begin(), sets.end(),
                     [&](const JudgedSet& set) { return set.rows == rows; });
}

std::string TableTitle(const ExperimentGroup& group) {
  std::string title = group.paper->table;
  if (title.starts_with("table-")) title = "Table " + title.substr(6);
  return fmt::format("{}, {} of it", title, group.name);
}

void AddPaperSets(const ExperimentGroup& group, std::span<const JudgedSet> known, TwinSets& out) {
  for (const auto& [name, target] : {std::pair{"average of eight tasks", PaperTarget::kAverage},
                                     std::pair{"HellaSwag", PaperTarget::kHellaSwag}}) {
    const std::vector<TrainedRow> rows = PaperRowsOf(group, target);
    if (rows.size() < kLeastModels || HasSetOf(rows, known)) continue;
    JudgedSet set{
        .title = TableTitle(group), .target = name, .rows = rows, .pool = PaperRuns(target)};
    set.kind = "parts of MobileLLM's tables that have twins";
    out.paper_sets.push_back(std::move(set));
  }
}

}  // namespace

TwinSets TwinSetsOf(const ExperimentResults& results, const std::string& file) {
  const std::vector<ExperimentCell> cells = CellsOf(results);
  const RunRows all = RowsOfRuns(RunsOf(results, file));
  const std::vector<JudgedSet> known = PaperSets();
  const std::vector<ExperimentGroup>& groups = results.experiment.groups;
  TwinSets out;
  out.experiment = results.experiment.name;
  std::vector<GroupRows> usable;
  std::vector<TrainedRow> calibration;
  for (size_t g = 0; g < groups.size(); ++g) {
    if (AsksLearningRates(groups[g])) continue;
    const std::vector<ExperimentCell> of_group = CellsOfGroup(cells, g);
    GroupRows each = RowsOf(groups[g], of_group, all);
    if (!each.why_not.empty()) {
      out.left_out.push_back(fmt::format("{}: group {} {}", file, groups[g].name, each.why_not));
      continue;
    }
    if (groups[g].name == kCalibrationGroup) {
      calibration = each.rows;
      continue;
    }
    if (groups[g].paper && !groups[g].models_of.empty()) {
      AddScores(each, of_group, file, out);
      AddPaperSets(groups[g], known, out);
    }
    usable.push_back(std::move(each));
  }
  for (const bool held_out : {true, false}) {
    for (const GroupRows& each : usable) {
      if ((each.group->name == kHeldOutGroup) != held_out) continue;
      AddSet(each, out.experiment, calibration, out);
    }
  }
  for (const TrainedRun& run : all.diverged) {
    const auto group = std::find_if(groups.begin(), groups.end(),
                                    [&](const auto& each) { return each.name == run.table; });
    if (AsksLearningRates(*group)) continue;  // where it is no surprise
    out.left_out.push_back(
        fmt::format("{} in group {}: a run of it diverged", run.name, run.table));
  }
  return out;
}

void AddTwins(const TwinSets& twins, std::vector<JudgedSet>& sets,
              std::vector<AskedProxy>& proxies) {
  for (const JudgedSet& set : twins.paper_sets) {
    if (!HasSetOf(set.rows, sets)) sets.push_back(set);  // another experiment may have it
  }
  sets.insert(sets.end(), twins.sets.begin(), twins.sets.end());
  if (twins.scored_group.empty()) return;
  AskedProxy asked = ParseProxy(kShortTraining, {});
  asked.argument = fmt::format("{} ({})", kShortTraining, twins.experiment);
  asked.known = &twins.scores;
  proxies.push_back(std::move(asked));
}

}  // namespace deepthin::explorer

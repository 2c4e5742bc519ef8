#include "explorer/experiment/trained_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "explorer/accuracy/trained_rows_file.h"
#include "results/sqlite_store.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

constexpr const char* kEvaluator = "train";
constexpr std::string_view kSqliteMagic = "SQLite format 3";
constexpr std::string_view kExperimentMagic = "{\"experiment\":";

// "800 steps" from the run's "/options/rate/steps"; what a run does not say is left out.
std::string Said(const Json& run, const char* pointer, const char* format) {
  const Json::json_pointer at(pointer);
  if (!run.contains(at) || !run[at].is_number()) return "";
  return fmt::format(fmt::runtime(format), run[at].get<double>());
}

// What runs that may be compared have in common: not the seed, nor how far a run came.
std::string GroupOf(const std::string& file, const results::Trial& trial, const ModelSpec& model) {
  const Where where{file, "identity of a run"};
  const Json identity = ParseJson(trial.identity, where.file + ": " + where.place);
  if (!identity.is_object() || !identity.contains("run") || !identity["run"].is_object()) {
    throw InputError(where, "has no run", "what decides a training run");
  }
  Json alike = identity["run"];
  alike.erase("model");
  alike.erase("seed");
  alike["version"] = identity.contains("version") ? identity["version"] : Json();
  // Losses per token of different vocabularies are different things.
  alike["vocab_size"] = model.vocab_size;
  return file + ": " + Said(alike, "/options/rate/steps", "{:.0f} steps of ") +
         Said(alike, "/options/shape/sequences", "{:.0f} x ") +
         Said(alike, "/options/shape/length", "{:.0f} tokens, ") +
         Said(alike, "/options/rate/peak", "learning rate {:.3g}, ") +
         ContentHash(alike).substr(0, 8);
}

void AddRun(const std::string& file, const std::string& table, const std::string& label,
            const results::Trial& trial, std::vector<TrainedRun>& runs) {
  const auto* const record = std::get_if<TrainingRecord>(&trial.outcome);
  if (record == nullptr) return;
  TrainedRun run{.name = file + ": " + label,
                 .group = {},
                 .table = table,
                 .model = record->model,
                 .seed = record->seed};
  Validate(run.model, {file, "model of " + label});
  if (!record->diverged) {
    if (!record->validation_loss || !std::isfinite(*record->validation_loss)) return;
    run.loss = record->validation_loss;
  }
  run.group = GroupOf(file, trial, run.model);
  runs.push_back(std::move(run));
}

// Losses of one group as model + seed + error.
class SeedFit {
 public:
  // Once for each model and seed; what comes later for the same is not taken.
  void Add(int64_t model, int64_t seed, double loss) {
    if (losses_.emplace(std::pair(model, seed), loss).second) {
      seed_parts_[seed] = 0;
      model_parts_[model] = 0;
    }
  }

  // Backfitting: each part in turn the mean of what the other leaves, which least squares are the
  // limit of.
  void Fit() {
    constexpr int kMostRounds = 1'000;
    constexpr double kSmall = 1e-12;
    for (int round = 0; round < kMostRounds; ++round) {
      // Models first: what no seed connects stays at its own mean.
      double moved = Update(model_parts_, seed_parts_, true);
      moved = std::max(moved, Update(seed_parts_, model_parts_, false));
      if (moved <= kSmall) return;
    }
  }

  [[nodiscard]] double LossOf(int64_t model) const {
    double mean = 0;
    for (const auto& [seed, part] : seed_parts_) {
      mean += part / static_cast<double>(seed_parts_.size());
    }
    return model_parts_.at(model) + mean;
  }
  [[nodiscard]] int64_t SeedsOf(int64_t model) const {
    return std::count_if(losses_.begin(), losses_.end(),
                         [&](const auto& each) { return each.first.first == model; });
  }
  [[nodiscard]] std::optional<Deviation> deviation() const {
    double squares = 0;
    for (const auto& [at, loss] : losses_) {
      const double error = loss - model_parts_.at(at.first) - seed_parts_.at(at.second);
      squares += error * error;
    }
    const int64_t degrees = static_cast<int64_t>(losses_.size()) -
                            static_cast<int64_t>(model_parts_.size() + seed_parts_.size()) +
                            Islands();
    if (degrees < 1) return std::nullopt;
    return Deviation{.value = std::sqrt(squares / static_cast<double>(degrees)),
                     .degrees = degrees};
  }

 private:
  using Parts = std::map<int64_t, double>;

  // How far the farthest of the parts has moved.
  double Update(Parts& parts, const Parts& others, bool is_of_models) {
    std::map<int64_t, std::pair<double, int64_t>> sums;
    for (const auto& [at, loss] : losses_) {
      const auto [model, seed] = at;
      auto& [sum, count] = sums[is_of_models ? model : seed];
      sum += loss - others.at(is_of_models ? seed : model);
      ++count;
    }
    double moved = 0;
    for (const auto& [key, sum] : sums) {
      const double part = sum.first / static_cast<double>(sum.second);
      moved = std::max(moved, std::abs(part - parts[key]));
      parts[key] = part;
    }
    return moved;
  }

  // Sets of models that no seed connects: each leaves one part open.
  [[nodiscard]] int64_t Islands() const {
    std::map<int64_t, std::set<int64_t>> models_of_seed;
    for (const auto& [at, loss] : losses_) models_of_seed[at.second].insert(at.first);
    std::vector<std::set<int64_t>> islands;
    for (auto& [seed, models] : models_of_seed) {
      for (size_t i = islands.size(); i-- > 0;) {
        const bool meets = std::any_of(models.begin(), models.end(),
                                       [&](int64_t model) { return islands[i].contains(model); });
        if (!meets) continue;
        models.insert(islands[i].begin(), islands[i].end());
        islands.erase(islands.begin() + static_cast<std::ptrdiff_t>(i));
      }
      islands.push_back(models);
    }
    return static_cast<int64_t>(islands.size());
  }

  std::map<std::pair<int64_t, int64_t>, double> losses_;  // by model and seed
  Parts model_parts_;
  Parts seed_parts_;
};

// The models of one group, by number, and what became of their runs.
struct GroupRuns {
  std::map<std::string, int64_t> number_of;  // by the hash of a model
  std::set<int64_t> diverged;
  SeedFit fit;

  int64_t NumberOf(const ModelSpec& model) {
    const auto next = static_cast<int64_t>(number_of.size());
    return number_of.emplace(ContentHash(ToJson(model)), next).first->second;
  }
};

std::string LargestGroup(std::span<const TrainedRow> rows) {
  std::map<std::string, int64_t> counts;
  std::string largest;
  for (const TrainedRow& row : rows) {
    if (++counts[row.group] > counts[largest]) largest = row.group;
  }
  return largest;
}

std::vector<TrainedRow> OfGroup(std::vector<TrainedRow> rows, const std::string& group,
                                const std::string& path) {
  const std::string chosen = group.empty() ? LargestGroup(rows) : group;
  std::set<std::string> known;
  for (const TrainedRow& row : rows) known.insert("'" + row.group + "'");
  const auto is_other = [&](const TrainedRow& row) { return row.group != chosen; };
  rows.erase(std::remove_if(rows.begin(), rows.end(), is_other), rows.end());
  if (!rows.empty()) return rows;
  throw InputError(
      {path, ""}, known.empty() ? "has no finished run" : "has no group '" + chosen + "'",
      known.empty() ? "runs of the train evaluator" : fmt::format("{}", fmt::join(known, ", ")));
}

}  // namespace

std::vector<TrainedRun> RunsOf(const ExperimentResults& results, const std::string& file) {
  std::vector<TrainedRun> runs;
  for (const ExperimentRow& row : results.rows) {
    const ExperimentSweep& sweep = results.sweeps[row.sweep];
    AddRun(file, results.experiment.groups[sweep.group].name, sweep.points[row.point].label,
           row.trial, runs);
  }
  return runs;
}

std::vector<TrainedRun> RunsOf(results::Store& store, const std::string& file) {
  std::vector<TrainedRun> runs;
  std::map<std::pair<std::string, std::string>, std::string> first_sweep;  // by group and model
  for (const results::SweepRecord& sweep : store.Sweeps()) {
    for (const results::PointResult& point : store.Results(sweep.hash)) {
      const auto found = point.trials.find(kEvaluator);
      if (found == point.trials.end()) continue;
      const size_t before = runs.size();
      AddRun(file, sweep.name, point.point.label, found->second, runs);
      if (runs.size() == before) continue;
      TrainedRun& run = runs.back();
      run.table =
          first_sweep.emplace(std::pair(run.group, ContentHash(ToJson(run.model))), sweep.name)
              .first->second;
    }
  }
  return runs;
}

RunRows RowsOfRuns(std::span<const TrainedRun> runs) {
  std::map<std::string, GroupRuns> groups;
  for (const TrainedRun& run : runs) {
    GroupRuns& group = groups[run.group];
    const int64_t model = group.NumberOf(run.model);
    if (run.loss) {
      group.fit.Add(model, run.seed, *run.loss);
    } else {
      group.diverged.insert(model);
    }
  }
  RunRows out;
  std::map<std::string, std::optional<Deviation>> deviations;
  for (auto& [name, group] : groups) {
    group.fit.Fit();
    const auto deviation = group.fit.deviation();
    deviations[name] = deviation;
    if (deviation) out.deviations.emplace_back(name, *deviation);
  }
  std::set<std::tuple<std::string, std::string, int64_t>> there;
  for (const TrainedRun& run : runs) {
    GroupRuns& group = groups[run.group];
    const int64_t model = group.NumberOf(run.model);
    if (!there.insert({run.group, run.table, model}).second) continue;
    if (group.diverged.contains(model)) {
      out.diverged.push_back(run);
      continue;
    }
    TrainedRow row{.name = run.name,
                   .group = run.group,
                   .table = run.table,
                   .model = run.model,
                   .target = -group.fit.LossOf(model)};
    if (const auto& deviation = deviations[run.group]) {
      row.standard_error =
          deviation->value / std::sqrt(static_cast<double>(group.fit.SeedsOf(model)));
    }
    out.rows.push_back(std::move(row));
  }
  return out;
}

std::vector<TrainedRow> ReadRowsOfAnyKind(const std::string& path, const std::string& group) {
  const std::string file = std::filesystem::path(path).filename();
  const std::string text = ReadFile(path);
  if (text.starts_with(kSqliteMagic)) {
    const auto store = results::OpenSqliteStore(path, results::OpenMode::kReadExisting);
    return OfGroup(RowsOfRuns(RunsOf(*store, file)).rows, group, path);
  }
  if (text.starts_with(kExperimentMagic)) {
    return OfGroup(RowsOfRuns(RunsOf(ResultsFromText(text, path), file)).rows, group, path);
  }
  return ParseTrainedRows(text, path);
}

}  // namespace deepthin::explorer

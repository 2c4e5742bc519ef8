#include "explorer/experiment/results_file.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "sweeps/driver.h"

namespace deepthin::explorer {
namespace {

constexpr const char* kEvaluator = "train";

Json RowJson(const ExperimentResults& results, const ExperimentRow& row) {
  const ExperimentSweep& sweep = results.sweeps[row.sweep];
  Json json = {{"sweep", sweep.sweep.name},
               {"point", row.point},
               {"label", sweep.points[row.point].label},
               {"identity", ParseJson(row.trial.identity, "identity of a trial")},
               {"started_at", row.trial.started_at},
               {"duration_s", ToJson(row.trial.duration)}};
  if (const auto* training = std::get_if<TrainingRecord>(&row.trial.outcome)) {
    json["training"] = ToJson(*training);
  } else {
    json["infeasible"] = ToJson(std::get<results::Infeasible>(row.trial.outcome));
  }
  return json;
}

const Json& At(const Json& json, const char* key, const Where& where) {
  if (!json.is_object() || !json.contains(key)) {
    throw InputError(where, std::string("lacks ") + key, "a run of an experiment");
  }
  return json.at(key);
}

template <class T>
T Read(const Json& json, const char* key, const Where& where) {
  return FromJson<T>(At(json, key, where), {where.file, where.place + "/" + key});
}

// What no run of that model leaves behind.
void CheckRecord(const TrainingRecord& record, const ModelSpec& planned, const Where& where) {
  if (record.model != planned) {
    throw InputError(
        {where.file, where.place + "/model"}, "is not that of its point",
        "the experiment's, with a vocabulary of " + std::to_string(planned.vocab_size));
  }
  if (record.steps < 0 || record.tokens < 0) {
    throw InputError(where, "has fewer than no steps", "0 or more");
  }
}

results::Trial TrialFrom(const Json& json, const results::Point& point, const Where& where) {
  const Json& identity = At(json, "identity", where);
  results::Trial trial{.key = ContentHash(identity),
                       .evaluator = kEvaluator,
                       .identity = identity.dump(),
                       .started_at = Read<std::string>(json, "started_at", where),
                       .duration = Read<Seconds>(json, "duration_s", where),
                       .outcome = results::Failure{}};
  if (json.contains("infeasible")) {
    trial.outcome = Read<results::Infeasible>(json, "infeasible", where);
  } else {
    auto record = Read<TrainingRecord>(json, "training", where);
    CheckRecord(record, std::get<Problem>(point.problem).model,
                {where.file, where.place + "/training"});
    trial.outcome = std::move(record);
  }
  return trial;
}

// The sweep and the point that a line names.
std::pair<size_t, size_t> PlaceFrom(const Json& json, const ExperimentResults& results,
                                    const std::map<std::string, size_t>& sweep_by_name,
                                    const Where& where) {
  const auto name = Read<std::string>(json, "sweep", where);
  const auto found = sweep_by_name.find(name);
  if (found == sweep_by_name.end()) {
    throw InputError({where.file, where.place + "/sweep"}, "is '" + name + "'",
                     "a sweep of the experiment in the first line");
  }
  const auto point = Read<int64_t>(json, "point", where);
  const auto points = static_cast<int64_t>(results.sweeps[found->second].points.size());
  if (point < 0 || point >= points) {
    throw InputError({where.file, where.place + "/point"}, "is " + std::to_string(point),
                     "below " + std::to_string(points));
  }
  return {found->second, static_cast<size_t>(point)};
}

ExperimentRow RowFrom(const Json& json, const ExperimentResults& results,
                      const std::map<std::string, size_t>& sweep_by_name, const Where& where) {
  const auto [sweep, point] = PlaceFrom(json, results, sweep_by_name, where);
  return {.sweep = sweep,
          .point = point,
          .trial = TrialFrom(json, results.sweeps[sweep].points[point], where)};
}

Json SampleJson(const ExperimentResults& results, const ExperimentSample& sample) {
  const ExperimentSweep& sweep = results.sweeps[sample.sweep];
  return {{"sweep", sweep.sweep.name},
          {"point", sample.point},
          {"label", sweep.points[sample.point].label},
          {"prompt", sample.prompt},
          {"seed", sample.seed},
          {"temperature", sample.temperature},
          {"max_tokens", sample.max_tokens},
          {"text", sample.text}};
}

ExperimentSample SampleFrom(const Json& json, const ExperimentResults& results,
                            const std::map<std::string, size_t>& sweep_by_name,
                            const Where& where) {
  const auto [sweep, point] = PlaceFrom(json, results, sweep_by_name, where);
  return {.sweep = sweep,
          .point = point,
          .prompt = Read<std::string>(json, "prompt", where),
          .seed = Read<int64_t>(json, "seed", where),
          .temperature = Read<double>(json, "temperature", where),
          .max_tokens = Read<int64_t>(json, "max_tokens", where),
          .text = Read<std::string>(json, "text", where)};
}

// A sample is of a run that the file has, with a loss.
void RequireItsRun(const ExperimentResults& results, const std::string& file) {
  if (!results.sample) return;
  const ExperimentRow* run = FindRun(results, results.sample->sweep, results.sample->point);
  if (run != nullptr && ValidationLossOf(*run)) return;
  const ExperimentSweep& sweep = results.sweeps[results.sample->sweep];
  throw InputError(
      {file, "/sample"},
      "is of " + sweep.points[results.sample->point].label + " in '" + sweep.sweep.name + "'",
      "a run with a validation loss in the same file");
}

bool Before(const ExperimentRow& a, const ExperimentRow& b) {
  return std::pair(a.sweep, a.point) < std::pair(b.sweep, b.point);
}

}  // namespace

std::optional<double> ValidationLossOf(const ExperimentRow& row) {
  const auto* training = std::get_if<TrainingRecord>(&row.trial.outcome);
  if (training == nullptr || training->diverged) return std::nullopt;
  return training->validation_loss;
}

const ExperimentRow* BestRun(const ExperimentResults& results) {
  const ExperimentRow* best = nullptr;
  for (const ExperimentRow& row : results.rows) {
    const auto loss = ValidationLossOf(row);
    if (loss && (best == nullptr || *loss < *ValidationLossOf(*best))) best = &row;
  }
  return best;
}

const ExperimentRow* FindRun(const ExperimentResults& results, size_t sweep, size_t point) {
  for (const ExperimentRow& row : results.rows) {
    if (row.sweep == sweep && row.point == point) return &row;
  }
  return nullptr;
}

ExperimentResults ResultsFromStore(const Experiment& experiment, results::Store& store) {
  ExperimentResults results{.experiment = experiment, .sweeps = SweepsOf(experiment), .rows = {}};
  for (size_t s = 0; s < results.sweeps.size(); ++s) {
    const auto record = sweeps::RecordOf(results.sweeps[s].sweep);
    for (const results::PointResult& point : store.Results(record.hash)) {
      const auto found = point.trials.find(kEvaluator);
      if (found == point.trials.end()) continue;
      if (std::holds_alternative<results::Failure>(found->second.outcome)) continue;
      results.rows.push_back(
          {.sweep = s, .point = static_cast<size_t>(point.point.index), .trial = found->second});
    }
  }
  return results;
}

void IntoStore(const ExperimentResults& results, results::Store& store) {
  std::vector<std::string> hashes;
  for (const ExperimentSweep& each : results.sweeps) {
    const auto record = sweeps::RecordOf(each.sweep);
    store.PutSweep(record, each.points);
    hashes.push_back(record.hash);
  }
  for (const ExperimentRow& row : results.rows) {
    const auto index = static_cast<int64_t>(row.point);
    if (store.FindTrial(row.trial.key)) {
      store.LinkTrial(hashes[row.sweep], index, row.trial.key);
    } else {
      const results::PointTrial trial{.point_index = index, .trial = row.trial};
      store.PutTrials(hashes[row.sweep], {&trial, 1});
    }
  }
}

std::string ResultsText(const ExperimentResults& results) {
  std::string text = Json{{"experiment", ToJson(results.experiment)}}.dump() + "\n";
  for (const ExperimentRow& row : results.rows) text += RowJson(results, row).dump() + "\n";
  if (results.sample) text += Json{{"sample", SampleJson(results, *results.sample)}}.dump() + "\n";
  return text;
}

ExperimentResults ResultsFromText(const std::string& text, const std::string& file) {
  ExperimentResults results;
  std::map<std::string, size_t> sweep_by_name;
  std::string_view rest = text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const Where where{file, "line " + std::to_string(number)};
    const Json json = ParseJson(line, file + ": " + where.place);
    if (number > 1 && json.is_object() && json.contains("sample")) {
      if (results.sample) throw InputError(where, "is a second sample", "one at most");
      results.sample = SampleFrom(json.at("sample"), results, sweep_by_name,
                                  {where.file, where.place + ": /sample"});
      continue;
    }
    if (number > 1) {
      results.rows.push_back(RowFrom(json, results, sweep_by_name, where));
      continue;
    }
    results.experiment = ExperimentFromJson(At(json, "experiment", where), file + ": line 1");
    results.sweeps = SweepsOf(results.experiment);
    for (size_t s = 0; s < results.sweeps.size(); ++s) {
      sweep_by_name[results.sweeps[s].sweep.name] = s;
    }
  }
  if (results.sweeps.empty()) throw InputError({file, ""}, "is empty", "results of an experiment");
  std::stable_sort(results.rows.begin(), results.rows.end(), Before);
  const auto twice = std::adjacent_find(
      results.rows.begin(), results.rows.end(),
      [](const auto& a, const auto& b) { return !Before(a, b) && !Before(b, a); });
  if (twice != results.rows.end()) {
    throw InputError({file, ""},
                     "has two runs of " + results.sweeps[twice->sweep].points[twice->point].label +
                         " in '" + results.sweeps[twice->sweep].sweep.name + "'",
                     "one of each");
  }
  RequireItsRun(results, file);
  return results;
}

}  // namespace deepthin::explorer

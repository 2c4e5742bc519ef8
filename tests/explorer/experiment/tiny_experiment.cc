#include "tests/explorer/experiment/tiny_experiment.h"

#include <cmath>

namespace deepthin::explorer {

Json TinyDefinition() {
  const Json training = {{"data", {"a.txt"}}, {"steps", 10}, {"learning_rate", 0.004}};
  return {{"name", "tiny"},
          {"description", "Made up."},
          {"vocab_size", 512},
          {"training", training},
          {"groups",
           {{{"name", "rates"},
             {"models_of", "table-11-125m"},
             {"only", {"4x1280", "62x384"}},
             {"twin_share", 0.015625},
             {"learning_rates", {0.002, 0.004, 0.008}}},
            {{"name", "depth"},
             {"models_of", "table-11-125m"},
             {"twin_share", 0.015625},
             {"seeds", 3},
             {"paper", {{"table", "table-11"}, {"first", "125M"}}},
             {"reference", "12x768"}},
            {{"name", "shapes"},
             {"random", {{"params", 1'000'000}, {"tolerance", 0.05}, {"count", 3}}},
             {"round", 2}}}}};
}

Experiment TinyExperiment() { return ExperimentFromJson(TinyDefinition(), "tiny.json"); }

results::Trial TrialWith(const ExperimentSweep& sweep, size_t point, double loss) {
  TrainingRecord record;
  record.host.cpu_model = "A CPU";
  record.model = std::get<Problem>(sweep.points[point].problem).model;
  record.seed = sweep.seed;
  record.learning_rate = sweep.learning_rate;
  record.threads = 1;
  record.steps = 10;
  record.tokens = 20'480;
  record.diverged = !std::isfinite(loss);
  if (record.diverged) record.steps = 4;
  if (!record.diverged) {
    record.validation_loss = loss;
    record.loss = loss + 0.25;
    record.tokens_per_s = 1000;
    record.curve = {{.step = 0, .loss = {}, .validation_loss = 6.25},
                    {.step = 10, .loss = loss + 0.5, .validation_loss = loss}};
  }
  const Json run = {{"model", ToJson(record.model)},
                    {"seed", sweep.seed},
                    {"options",
                     {{"shape", {{"sequences", 8}, {"length", 256}}},
                      {"rate", {{"steps", 10}, {"peak", sweep.learning_rate}}}}}};
  const Json identity = {{"evaluator", "train"},
                         {"made_up", ContentHash(sweep.sweep.name)},
                         {"which", point},
                         {"run", run}};
  return {.key = ContentHash(identity),
          .evaluator = "train",
          .identity = identity.dump(),
          .started_at = "2026-01-31T12:00:00.000Z",
          .duration = Seconds(2.5),
          .outcome = record};
}

ExperimentResults ResultsWith(const Experiment& experiment, const LossOf& loss) {
  ExperimentResults results{.experiment = experiment, .sweeps = SweepsOf(experiment), .rows = {}};
  for (size_t s = 0; s < results.sweeps.size(); ++s) {
    const ExperimentSweep& sweep = results.sweeps[s];
    for (size_t p = 0; p < sweep.points.size(); ++p) {
      results.rows.push_back(
          {.sweep = s, .point = p, .trial = TrialWith(sweep, p, loss(sweep, sweep.points[p]))});
    }
  }
  return results;
}

ExperimentSample SampleOf(const ExperimentRow& row, const std::string& text) {
  return {.sweep = row.sweep,
          .point = row.point,
          .prompt = "Call me",
          .seed = 7,
          .temperature = 0.75,
          .max_tokens = 40,
          .text = text};
}

}  // namespace deepthin::explorer

#include "explorer/experiment/definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ShippedExperimentFiles.h"
#include "explorer/accuracy/twin.h"

namespace deepthin::explorer {
namespace {

constexpr int64_t kMostSeeds = 1000;
constexpr int64_t kMostShapes = 10'000;

struct LabelledModel {
  std::string label;
  ModelSpec model;
};

std::string PlaceOf(size_t group) { return "/groups/" + std::to_string(group); }

std::vector<LabelledModel> RandomModels(const RandomShapes& space, int64_t vocab_size) {
  std::vector<LabelledModel> models;
  int64_t number = space.skip;
  for (const ModelSpec& spec : DrawShapes(space, vocab_size)) {
    const std::string repeat =
        spec.repeat.kind == RepeatKind::kNone ? "" : " " + ToText(spec.repeat);
    models.push_back(
        {fmt::format("#{} {}x{}{}", ++number, spec.n_blocks, spec.d_model, repeat), spec});
  }
  return models;
}

std::vector<LabelledModel> TwinModels(const ExperimentGroup& group, int64_t vocab_size) {
  std::vector<LabelledModel> models;
  const sweeps::Sweep parents = sweeps::SweepFromArgument(group.models_of);
  for (const results::Point& point : sweeps::PointsOf(parents, group.models_of)) {
    if (!group.only.empty() &&
        std::find(group.only.begin(), group.only.end(), point.label) == group.only.end()) {
      continue;
    }
    const ModelSpec& parent = std::get<Problem>(point.problem).model;
    const int64_t params = TwinParams(parent, *group.twin_share);
    models.push_back({point.label, TwinOf(parent, {.decoder_params = params}, vocab_size)});
  }
  if (models.size() < group.only.size()) {
    throw InputError({"", "/only"}, "names a model that " + group.models_of + " lacks",
                     "labels of its points");
  }
  return models;
}

void CheckGroup(const ExperimentGroup& group, const Where& where) {
  const auto refuse = [&](const std::string& key, const std::string& found,
                          const std::string& expected) {
    throw InputError({where.file, where.place + key}, found, expected);
  };
  if (group.models_of.empty() == !group.random) {
    refuse("", "has neither models_of nor random, or both", "one of them");
  }
  if (group.twin_share.has_value() == group.random.has_value()) {
    refuse("", "has a twin_share without models_of, or models_of without", "both or neither");
  }
  if (group.twin_share && !(*group.twin_share > 0 && *group.twin_share < 1)) {
    refuse("/twin_share", "is " + Json(*group.twin_share).dump(), "above 0 and below 1");
  }
  if (group.seeds < 1 || group.seeds > kMostSeeds) {
    refuse("/seeds", "is " + std::to_string(group.seeds), "from 1 to 1000");
  }
  if (group.round < 1 || group.round > kMostSeeds) {
    refuse("/round", "is " + std::to_string(group.round), "from 1 to 1000");
  }
  if (!group.random) return;
  const RandomShapes& random = *group.random;
  if (random.params < 1 || random.params > 1'000'000'000) {
    refuse("/random/params", "is " + std::to_string(random.params), "from 1 to 1000000000");
  }
  if (random.count < 1 || random.count > kMostShapes || random.skip < 0 ||
      random.skip > kMostShapes) {
    refuse("/random", "wants fewer than one or more than 10000 shapes", "a count in between");
  }
}

// As the sweep's JSON file would have it.
Json DefinitionOf(const Experiment& experiment, const ExperimentGroup& group, double rate,
                  int64_t seed, const std::vector<LabelledModel>& models) {
  Json values = Json::array();
  for (const LabelledModel& each : models) {
    values.push_back({{"label", each.label}, {"value", ToJson(each.model)}});
  }
  TrainingSettings settings = experiment.training;
  settings.learning_rate = rate;
  settings.seed = seed;
  settings.parametrisation = ParametrisationOf(experiment, group);
  Json evaluator = {{"name", "train"}};
  evaluator.update(ToJson(settings));
  return {{"name", fmt::format("{} {} lr={} seed={}", experiment.name, group.name, rate, seed)},
          {"description", experiment.description},
          {"base",
           {{"model", ToJson(models.front().model)},
            {"soc", "iphone-13"},
            {"precision", "f16"},
            {"workload", {{"prompt_tokens", 64}, {"generated_tokens", 32}}}}},
          {"axes", {{{"key", "model"}, {"values", std::move(values)}}}},
          {"evaluators", Json::array({std::move(evaluator)})}};
}

}  // namespace

runtime::Parametrisation ParametrisationOf(const Experiment& experiment,
                                           const ExperimentGroup& group) {
  return group.parametrisation.value_or(experiment.training.parametrisation);
}

Experiment ExperimentFromJson(const Json& json, const std::string& file) {
  auto experiment = FromJson<Experiment>(json, {file, ""});
  if (experiment.vocab_size < 1 || experiment.vocab_size > 1'000'000) {
    throw InputError({file, "/vocab_size"}, "is " + std::to_string(experiment.vocab_size),
                     "from 1 to 1000000");
  }
  if (experiment.groups.empty())
    throw InputError({file, "/groups"}, "is empty", "a group at least");
  std::set<std::string> names;
  for (size_t i = 0; i < experiment.groups.size(); ++i) {
    CheckGroup(experiment.groups[i], {file, PlaceOf(i)});
    if (!names.insert(experiment.groups[i].name).second) {
      throw InputError({file, PlaceOf(i) + "/name"}, "is there twice", "a name of its own");
    }
  }
  return experiment;
}

std::span<const EmbeddedFile> ShippedExperiments() { return ShippedExperimentFiles(); }

Experiment ExperimentFromArgument(const std::string& argument) {
  if (argument.ends_with(".json")) return ExperimentFromJson(ReadJsonFile(argument), argument);
  std::string names;
  for (const EmbeddedFile& shipped : ShippedExperiments()) {
    const std::string stem(shipped.name.substr(0, shipped.name.rfind('.')));
    if (stem == argument) return ExperimentFromJson(ParseJson(shipped.text, stem), stem);
    names += (names.empty() ? "" : ", ") + stem;
  }
  throw InputError({"", ""}, "'" + argument + "' is no experiment that is known",
                   "a shipped one (" + names + ") or a file that ends in .json");
}

std::vector<ExperimentSweep> SweepsOf(const Experiment& experiment) {
  std::vector<std::vector<LabelledModel>> models;
  int64_t last_round = 0;
  for (size_t g = 0; g < experiment.groups.size(); ++g) {
    const ExperimentGroup& group = experiment.groups[g];
    try {
      models.push_back(group.random ? RandomModels(*group.random, experiment.vocab_size)
                                    : TwinModels(group, experiment.vocab_size));
    } catch (const InputError& error) {
      throw error.In({experiment.name, PlaceOf(g)});
    }
    last_round = std::max(last_round, group.round + group.seeds - 1);
  }
  std::vector<ExperimentSweep> out;
  for (int64_t round = 1; round <= last_round; ++round) {
    for (size_t g = 0; g < experiment.groups.size(); ++g) {
      const ExperimentGroup& group = experiment.groups[g];
      const int64_t seed = round - group.round + 1;
      if (seed < 1 || seed > group.seeds) continue;
      std::vector<double> rates = group.learning_rates;
      if (rates.empty()) rates.push_back(experiment.training.learning_rate);
      for (const double rate : rates) {
        const Json definition = DefinitionOf(experiment, group, rate, seed, models[g]);
        ExperimentSweep each{.group = g, .learning_rate = rate, .seed = seed};
        each.sweep = sweeps::SweepFromJson(definition, experiment.name);
        each.points = sweeps::PointsOf(each.sweep, experiment.name);
        out.push_back(std::move(each));
      }
    }
  }
  return out;
}

}  // namespace deepthin::explorer

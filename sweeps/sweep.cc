#include "sweeps/sweep.h"

#include <algorithm>
#include <set>

#include "ShippedSweepFiles.h"
#include "costmodel/soc_presets.h"
#include "spec/model_argument.h"
#include "sweeps/sampler.h"
#include "sweeps/sweep_schema.h"

namespace deepthin::sweeps {
namespace {

// A name at one of the problem's four parts becomes the value it stands for; other values stay.
Json Resolve(const std::string& key, const Json& value, const Where& where) {
  if (key == "model") return ToJson(ModelFromJson(value, where));
  if (key == "soc") return ToJson(costmodel::SocFromJson(value, where));
  if (key == "precision") return ToJson(PrecisionFromJson(value, where));
  if (key == "workload") return ToJson(FromJson<Workload>(value, where));
  return value;
}

// Points are held in memory, each with its whole problem.
constexpr size_t kMaxPoints = 1'000'000;

std::string DefaultLabel(const std::string& key, const Json& value) {
  if (key == "model" && value.is_string()) return value.get<std::string>();
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  return key.substr(key.rfind('.') + 1) + "=" + text;
}

Axis AxisFromJson(const Json& json, const Where& where) {
  Axis axis{.key = json.at("key").get<std::string>(), .values = {}};
  const Json& values = json.at("values");
  std::set<std::string> known;
  for (size_t i = 0; i < values.size(); ++i) {
    const Json& entry = values[i];
    const Where place{where.file, where.place + "/values/" + std::to_string(i)};
    const bool labelled = entry.is_object() && entry.size() == 2 && entry.contains("label") &&
                          entry.contains("value");
    const Json& value = labelled ? entry.at("value") : entry;
    axis.values.push_back(
        {.label = labelled ? FromJson<std::string>(entry.at("label"),
                                                   {place.file, place.place + "/label"})
                           : DefaultLabel(axis.key, value),
         .value = Resolve(axis.key, value, place)});
    // Equal values under labels of their own are a comparison; under one label nobody could tell
    // them apart.
    if (const std::string& label = axis.values.back().label; !known.insert(label).second)
      throw InputError(place, "is '" + label + "' like a value before it", "a label of its own");
  }
  return axis;
}

// Axes are set in turn, so that one of a whole part would wipe out what was set within it before.
void RequireDistinct(const std::vector<Axis>& axes, const std::string& file) {
  for (size_t i = 0; i < axes.size(); ++i) {
    const Where place{file, "/axes/" + std::to_string(i) + "/key"};
    for (size_t before = 0; before < i; ++before) {
      if (axes[before].key == axes[i].key)
        throw InputError(place, "is '" + axes[i].key + "' a second time", "one axis for each key");
      if (axes[before].key.starts_with(axes[i].key + "."))
        throw InputError(place, "is '" + axes[i].key + "' after '" + axes[before].key + "'",
                         "the whole before its part");
    }
  }
}

void RequireFewPoints(const AxisSizes& sizes, const std::string& file) {
  size_t points = 1;
  for (const size_t size : sizes) {
    if (size > kMaxPoints / points)
      throw InputError({file, "/axes"}, "have more than a million combinations", "at most that");
    points *= size;
  }
}

// The problem of one choice; what a value makes ill-formed is said of its place in the sweep.
Problem ProblemOf(const Sweep& sweep, const Choice& choice, const std::string& file) {
  Json json = sweep.base;
  const auto axis_place = [](size_t i) { return "/axes/" + std::to_string(i); };
  for (size_t i = 0; i < sweep.axes.size(); ++i) {
    const Axis& axis = sweep.axes[i];
    try {
      SetAtPath(json, axis.key, axis.values[choice[i]].value, "", "sweep " + sweep.name);
    } catch (const InputError& error) {
      throw error.In({file, axis_place(i) + "/key"});
    }
  }
  try {
    return FromJson<Problem>(json, {"", ""});
  } catch (const InputError& error) {
    for (size_t i = sweep.axes.size(); i-- > 0;) {
      std::string path = "/" + sweep.axes[i].key;
      std::replace(path.begin(), path.end(), '.', '/');
      if (error.where().place.starts_with(path))
        throw error.In({file, axis_place(i) + "/values/" + std::to_string(choice[i])});
    }
    throw error.In({file, ""});
  }
}

const SamplerEntry& SamplerByName(const std::string& name, const std::string& file) {
  std::string names;
  for (const SamplerEntry& entry : SamplerTable()) {
    if (entry.name == name) return entry;
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw InputError({file, "/sampler"}, "is '" + name + "'", "one of " + names);
}

}  // namespace

Sweep SweepFromJson(const Json& json, const std::string& file) {
  CheckAgainstSchema(json, file);
  Sweep sweep{.name = json.at("name").get<std::string>(),
              .description = json.value("description", ""),
              .base = Json::object(),
              .axes = {},
              .sampler = json.value("sampler", "grid"),
              .evaluators = {}};
  for (const char* part : {"model", "precision", "soc", "workload"}) {
    sweep.base[part] =
        Resolve(part, json.at("base").at(part), {file, "/base/" + std::string(part)});
  }
  const Json axes = json.value("axes", Json::array());
  for (size_t i = 0; i < axes.size(); ++i) {
    sweep.axes.push_back(AxisFromJson(axes[i], {file, "/axes/" + std::to_string(i)}));
  }
  RequireDistinct(sweep.axes, file);
  for (const Json& entry : json.at("evaluators")) {
    EvaluatorRequest request{.name = entry.at("name").get<std::string>(), .settings = entry};
    request.settings.erase("name");
    sweep.evaluators.push_back(std::move(request));
  }
  static_cast<void>(SamplerByName(sweep.sampler, file));
  return sweep;
}

std::span<const EmbeddedFile> ShippedSweeps() { return ShippedSweepFiles(); }

Sweep SweepFromArgument(const std::string& argument) {
  if (argument.ends_with(".json")) return SweepFromJson(ReadJsonFile(argument), argument);
  std::string names;
  for (const EmbeddedFile& shipped : ShippedSweeps()) {
    const std::string stem(shipped.name.substr(0, shipped.name.rfind('.')));
    if (stem == argument) return SweepFromJson(ParseJson(shipped.text, stem), stem);
    names += (names.empty() ? "" : ", ") + stem;
  }
  throw InputError({"", ""}, "'" + argument + "' is no sweep that is known",
                   "a shipped one (" + names + ") or a file that ends in .json");
}

Json ResolvedDefinition(const Sweep& sweep) {
  Json axes = Json::array();
  for (const Axis& axis : sweep.axes) {
    Json values = Json::array();
    for (const AxisValue& value : axis.values) {
      values.push_back({{"label", value.label}, {"value", value.value}});
    }
    axes.push_back({{"key", axis.key}, {"values", std::move(values)}});
  }
  Json evaluators = Json::array();
  for (const EvaluatorRequest& request : sweep.evaluators) {
    Json entry = {{"name", request.name}};
    entry.update(request.settings);
    evaluators.push_back(std::move(entry));
  }
  return {{"name", sweep.name},       {"description", sweep.description},
          {"base", sweep.base},       {"axes", std::move(axes)},
          {"sampler", sweep.sampler}, {"evaluators", std::move(evaluators)}};
}

std::vector<results::Point> PointsOf(const Sweep& sweep, const std::string& file) {
  AxisSizes sizes;
  for (const Axis& axis : sweep.axes) sizes.push_back(axis.values.size());
  RequireFewPoints(sizes, file);
  const auto sampler = SamplerByName(sweep.sampler, file).make();

  std::vector<results::Point> points;
  for (int64_t index = 0; const auto choice = sampler->Propose(sizes, index); ++index) {
    results::Point point{.index = index, .label = {}, .problem = results::Infeasible{}};
    for (size_t i = 0; i < sweep.axes.size(); ++i) {
      point.label += (point.label.empty() ? "" : " ") + sweep.axes[i].values[(*choice)[i]].label;
    }
    if (point.label.empty()) point.label = sweep.name;
    const Problem problem = ProblemOf(sweep, *choice, file);
    try {
      Validate(problem, {"", ""});
      point.problem = problem;
    } catch (const InputError& error) {
      point.problem = results::Infeasible{.reason = error.what(), .needed = {}, .available = {}};
    }
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace deepthin::sweeps

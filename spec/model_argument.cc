#include "spec/model_argument.h"

#include "spec/argument.h"
#include "spec/model_presets.h"

namespace deepthin {
namespace {

std::string PresetNames() {
  std::string names;
  for (const ModelPreset& preset : ModelPresets()) {
    names += (names.empty() ? "" : ", ") + std::string(preset.name);
  }
  return names;
}

Json BaseModel(const std::string& base) {
  if (const auto preset = ModelPresetByName(base)) return ToJson(*preset);
  if (base.ends_with(".json")) {
    auto spec = FromJson<ModelSpec>(ReadJsonFile(base), {base, ""});
    Validate(spec, {base, ""});
    return ToJson(spec);
  }
  const size_t colon = base.find(':');
  const std::string before = base.substr(0, colon);
  if (colon != std::string::npos && (ModelPresetByName(before) || before.ends_with(".json")))
    throw InputError({base, ""}, "has the override '" + base.substr(colon + 1) + "'", "key=value");
  throw InputError({"", ""}, "'" + base + "' is no model that is known",
                   "a preset (" + PresetNames() + ") or a file that ends in .json");
}

}  // namespace

ModelSpec ModelFromArgument(std::string_view argument, std::span<const std::string> settings) {
  const std::string file(argument);
  Json json = BaseModel(ArgumentBase(argument));
  ApplyOverrides(json, argument, settings);
  auto spec = FromJson<ModelSpec>(json, {file, ""});
  Validate(spec, {file, ""});
  return spec;
}

ModelSpec ModelFromJson(const Json& json, const Where& where) {
  if (json.is_string()) {
    try {
      return ModelFromArgument(json.get<std::string>());
    } catch (const InputError& error) {
      throw error.In(where);
    }
  }
  auto spec = FromJson<ModelSpec>(json, where);
  Validate(spec, where);
  return spec;
}

Precision PrecisionFromArgument(std::string_view argument) {
  return PrecisionFromJson(Json(std::string(argument)), {"command line", "--precision"});
}

Precision PrecisionFromJson(const Json& json, const Where& where) {
  if (!json.is_string()) return FromJson<Precision>(json, where);
  const auto name = json.get<std::string>();
  if (const auto precision = PrecisionByName(name)) return *precision;
  std::string names;
  for (const NamedPrecision& known : kPrecisions) {
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  throw InputError(where, "is '" + name + "'", "one of " + names);
}

}  // namespace deepthin

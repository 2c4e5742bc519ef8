#include "spec/model_argument.h"

#include "spec/model_presets.h"

namespace deepthin {
namespace {

// Where the overrides of an argument begin: the first ':' with a '=' behind it and none before.
size_t OverridesAt(std::string_view argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return std::string_view::npos;
  return argument.substr(0, equals).find(':');
}

void ApplySetting(Json& json, std::string_view setting, const std::string& file) {
  const size_t equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw InputError({file, ""}, "has the override '" + std::string(setting) + "'", "key=value");
  }
  SetAtPath(json, setting.substr(0, equals), ScalarFromText(setting.substr(equals + 1)), file,
            "user: " + std::string(setting));
}

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
    const auto spec = FromJson<ModelSpec>(ReadJsonFile(base), {base, ""});
    Validate(spec, {base, ""});
    return ToJson(spec);
  }
  throw InputError({base, ""}, "is no model that is known",
                   "a preset (" + PresetNames() + ") or a file that ends in .json");
}

}  // namespace

ModelSpec ModelFromArgument(std::string_view argument, std::span<const std::string> settings) {
  const std::string file(argument);
  const size_t at = OverridesAt(argument);
  Json json = BaseModel(std::string(argument.substr(0, at)));
  if (at != std::string_view::npos) {
    std::string_view rest = argument.substr(at + 1);
    while (true) {
      const size_t comma = rest.find(',');
      ApplySetting(json, rest.substr(0, comma), file);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  for (const std::string& setting : settings) ApplySetting(json, setting, file);
  const auto spec = FromJson<ModelSpec>(json, {file, ""});
  Validate(spec, {file, ""});
  return spec;
}

ModelSpec ModelFromJson(const Json& json, const Where& where) {
  if (json.is_string()) return ModelFromArgument(json.get<std::string>());
  const auto spec = FromJson<ModelSpec>(json, where);
  Validate(spec, where);
  return spec;
}

Precision PrecisionFromArgument(std::string_view argument) {
  return PrecisionFromJson(Json(std::string(argument)), {"command line", "precision"});
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

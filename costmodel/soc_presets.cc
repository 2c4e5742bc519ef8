#include "costmodel/soc_presets.h"

#include "EmbeddedSocPresets.h"
#include "costmodel/soc_bounds.h"
#include "spec/argument.h"

namespace deepthin::costmodel {
namespace {

SocSpec ReadSoc(const Json& json, const Where& where) {
  auto soc = FromJson<SocSpec>(json, where);
  Validate(soc, where);
  return soc;
}

std::vector<SocPreset> ReadPresets() {
  std::vector<SocPreset> presets;
  for (const EmbeddedFile& file : EmbeddedSocPresets()) {
    const std::string name(file.name);
    SocSpec soc = ReadSoc(ParseJson(file.text, name), {name, ""});
    presets.push_back({soc.name, std::move(soc)});
  }
  return presets;
}

Json BaseSoc(const std::string& base) {
  std::string names;
  for (const SocPreset& preset : SocPresets()) {
    if (preset.name == base) return ToJson(preset.spec);
    if (!names.empty()) names += ", ";
    names += preset.name;
  }
  if (base.ends_with(".json")) {
    const SocSpec soc = ReadSoc(ReadJsonFile(base), {base, ""});
    RequirePlausible(soc, {base, ""});  // of a file; what a user sets beside it is meant
    return ToJson(soc);
  }
  throw InputError({"", ""}, "'" + base + "' is no SoC that is known",
                   "a preset (" + names + ") or a file that ends in .json");
}

}  // namespace

const std::vector<SocPreset>& SocPresets() {
  static const std::vector<SocPreset> presets = ReadPresets();
  return presets;
}

SocSpec SocFromArgument(std::string_view argument, std::span<const std::string> settings) {
  Json json = BaseSoc(ArgumentBase(argument));
  ApplyOverrides(json, argument, settings);
  return ReadSoc(json, {std::string(argument), ""});
}

SocSpec SocFromJson(const Json& json, const Where& where) {
  if (json.is_string()) {
    try {
      return SocFromArgument(json.get<std::string>());
    } catch (const InputError& error) {
      throw error.In(where);
    }
  }
  return ReadSoc(json, where);
}

}  // namespace deepthin::costmodel

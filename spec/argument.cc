#include "spec/argument.h"

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

}  // namespace

std::string ArgumentBase(std::string_view argument) {
  return std::string(argument.substr(0, OverridesAt(argument)));
}

void ApplyOverrides(Json& json, std::string_view argument, std::span<const std::string> settings) {
  const std::string file(argument);
  const size_t at = OverridesAt(argument);
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
}

}  // namespace deepthin

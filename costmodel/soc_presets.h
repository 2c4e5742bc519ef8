// SoCs as users name them: a preset or a JSON file, with overrides.
//
//   iphone-13     my/soc.json     iphone-13:levels.0.capacity_bytes=8388608
//
// An override replaces the number and its source ("user: ..."), and drops its range.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spec/json_io.h"
#include "spec/soc_spec.h"

namespace deepthin::costmodel {

struct SocPreset {
  std::string name;  // the file's name without .json, and the name inside it
  SocSpec spec;
};

// In the order of presets/soc/ in CMakeLists.txt.
[[nodiscard]] const std::vector<SocPreset>& SocPresets();

// settings: further "key=value" overrides (from --set), applied last. The result is validated.
// Throws InputError.
[[nodiscard]] SocSpec SocFromArgument(std::string_view argument,
                                      std::span<const std::string> settings = {});

// A JSON value that names a SoC: text as above, or an object with SocSpec's keys.
[[nodiscard]] SocSpec SocFromJson(const Json& json, const Where& where);

}  // namespace deepthin::costmodel

// Models as users name them: a preset or a JSON file, with overrides.
//
//   mobilellm-125m     my/model.json     mobilellm-125m:n_blocks=12,d_model=768,repeat=immediate:2
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "spec/json_io.h"
#include "spec/model_spec.h"
#include "spec/precision.h"

namespace deepthin {

// settings: further "key=value" overrides (from --set), applied last. The result is validated.
// Throws InputError.
[[nodiscard]] ModelSpec ModelFromArgument(std::string_view argument,
                                          std::span<const std::string> settings = {});

// A JSON value that names a model: text as above, or an object with ModelSpec's keys.
[[nodiscard]] ModelSpec ModelFromJson(const Json& json, const Where& where);

// A name of kPrecisions ("q4_0"), or an object with Precision's keys.
[[nodiscard]] Precision PrecisionFromJson(const Json& json, const Where& where);
[[nodiscard]] Precision PrecisionFromArgument(std::string_view argument);

}  // namespace deepthin

// The form in which users name models and SoCs: a base (preset or file), then overrides.
//
//   mobilellm-125m:n_blocks=12,d_model=768      iphone-13:levels.0.capacity_bytes=8388608
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "spec/json_io.h"

namespace deepthin {

// The part before the overrides.
[[nodiscard]] std::string ArgumentBase(std::string_view argument);

// Applies the overrides of the argument, then `settings` ("key=value"), to `json`. Throws
// InputError, which names the argument as its file.
void ApplyOverrides(Json& json, std::string_view argument, std::span<const std::string> settings);

}  // namespace deepthin

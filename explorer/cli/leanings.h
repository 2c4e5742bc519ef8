// The assumptions that estimates lean on, for people and as JSON.
#pragma once

#include <span>
#include <string>

#include "explorer/sources.h"
#include "spec/json_io.h"

namespace deepthin::explorer {

// "iphone-15: 20 of its 27 numbers are assumed; a decoded token leans on levels.1... (-53 to +141
// %)": the three that matter most.
[[nodiscard]] std::string LeaningSentence(const SocSpec& soc, std::span<const Leaning> leanings);

[[nodiscard]] Json LeaningsAsJson(std::span<const Leaning> leanings);

}  // namespace deepthin::explorer

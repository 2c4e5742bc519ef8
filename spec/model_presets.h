// The published models by name. Source: MobileLLM (arXiv 2402.14905v2), Table 9 and section 3.2.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "spec/model_spec.h"

namespace deepthin {

struct ModelPreset {
  std::string_view name;
  std::string_view help;
  ModelSpec spec;
};

[[nodiscard]] std::span<const ModelPreset> ModelPresets();
[[nodiscard]] std::optional<ModelSpec> ModelPresetByName(std::string_view name);

}  // namespace deepthin

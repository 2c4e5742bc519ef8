// Writing a model in the format that a user asks for.
#pragma once

#include <optional>
#include <string>

#include "runtime/checkpoint/vocabulary.h"
#include "runtime/weights.h"
#include "spec/units.h"

namespace deepthin::explorer {

enum class ModelFormat { kGguf, kSafetensors, kLlama2c };

// By the suffix: .gguf, .bin (llama2.c); a path without one is a folder for safetensors. Throws
// InputError for any other.
[[nodiscard]] ModelFormat FormatOfTarget(const std::string& path);

// The vocabulary goes into GGUF files; the other formats have no place for it. Returns the bytes
// written. Throws InputError where the format cannot hold the model, EnvironmentError.
Bytes WriteModel(const runtime::Weights& weights,
                 const std::optional<runtime::Vocabulary>& vocabulary, ModelFormat format,
                 const std::string& path);

}  // namespace deepthin::explorer

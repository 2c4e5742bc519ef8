// The options of commands that take a MODEL with its weights.
#pragma once

#include <optional>
#include <string>

#include "explorer/cli/command_line.h"
#include "explorer/model_source.h"

namespace deepthin::explorer {

// --set, --dtype, --share-embedding, --layer-sharing. --seed is the command's own.
void AddModelOptions(CommandLine& line);
[[nodiscard]] ModelOptions ModelOptionsFrom(const CommandLine& line);

// f32, f16, bf16, q8_0, q4_0 or int8 (also called w8a8). Throws InputError that names the option.
[[nodiscard]] Precision PrecisionOfDtype(const std::string& name, const std::string& option);

// --model, or the one positional argument in its place.
[[nodiscard]] std::string ModelFrom(const CommandLine& line);

}  // namespace deepthin::explorer

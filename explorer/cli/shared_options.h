// Options that several commands share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "explorer/cli/command_line.h"

namespace deepthin::explorer {

// --threads,t: one count; all CPUs that the process may use where it is not given.
void AddThreadsOption(CommandLine& line);
[[nodiscard]] int64_t ThreadsFrom(const CommandLine& line);

// The option's text, or InputError where it was not given.
[[nodiscard]] std::string Required(const CommandLine& line, const std::string& name);

}  // namespace deepthin::explorer

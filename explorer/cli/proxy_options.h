// Options of the commands that score.
#pragma once

#include <string>
#include <vector>

#include "explorer/accuracy/scoreboard.h"
#include "explorer/cli/command_line.h"

namespace deepthin::explorer {

// --proxy, --text, --threads.
void AddProxyOptions(CommandLine& line, const std::string& proxy_help);

// What --proxy asks for: names with settings, separated by commas; "all": those that need no
// training, in the order of the table. Nothing twice; empty where the option is not given. Throws
// InputError.
[[nodiscard]] std::vector<AskedProxy> ProxiesFrom(const CommandLine& line);

// --text and --threads, and Ctrl-C; no rows.
[[nodiscard]] ProxyContext ContextFrom(const CommandLine& line);

}  // namespace deepthin::explorer

#include <fmt/format.h>

#include "explorer/cli/commands.h"
#include "spec/errors.h"

namespace deepthin::explorer {

int RunSubcommand(std::string_view command, const Arguments& arguments,
                  std::initializer_list<Command> subcommands) {
  std::string names;
  for (const Command& known : subcommands) {
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  if (arguments.empty()) {
    throw InputError({"command line", ""}, std::string(command) + " has no subcommand",
                     "one of " + names);
  }
  if (arguments[0] == "--help" || arguments[0] == "-h") {
    fmt::print("Usage: deepthin {} SUBCOMMAND [arguments]\n\n", command);
    for (const Command& known : subcommands) fmt::print("  {:<12} {}\n", known.name, known.help);
    fmt::print("\n'deepthin {} SUBCOMMAND --help' has options and examples.\n", command);
    return 0;
  }
  for (const Command& known : subcommands) {
    if (known.name == arguments[0]) return known.run({arguments.begin() + 1, arguments.end()});
  }
  throw InputError({"command line", ""},
                   "'" + arguments[0] + "' is no subcommand of " + std::string(command),
                   "one of " + names);
}

}  // namespace deepthin::explorer

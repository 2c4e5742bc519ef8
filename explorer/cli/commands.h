// The commands of the program, one cmd_*.cc each.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deepthin::explorer {

using Arguments = std::vector<std::string>;

// Each prints its results on stdout and its talk on stderr, returns the exit code (0; 1 where the
// work itself failed; 130 interrupted) and throws InputError or EnvironmentError.
int RunCalibrate(const Arguments& arguments);
int RunChoose(const Arguments& arguments);
int RunConvert(const Arguments& arguments);
int RunDoctor(const Arguments& arguments);
int RunEstimate(const Arguments& arguments);
int RunEval(const Arguments& arguments);
int RunExport(const Arguments& arguments);
int RunGenerate(const Arguments& arguments);
int RunMeasure(const Arguments& arguments);
int RunPaper(const Arguments& arguments);
int RunParams(const Arguments& arguments);
int RunProxies(const Arguments& arguments);
int RunResults(const Arguments& arguments);
int RunScore(const Arguments& arguments);
int RunShapes(const Arguments& arguments);
int RunSoc(const Arguments& arguments);
int RunSweepCommand(const Arguments& arguments);
int RunTrain(const Arguments& arguments);
int RunWhatIf(const Arguments& arguments);

struct Command {
  std::string_view name;
  std::string_view help;
  int (*run)(const Arguments&);
};

[[nodiscard]] std::span<const Command> Commands();

// Runs the subcommand that the first argument names; prints the list for --help. Throws InputError
// for any other.
int RunSubcommand(std::string_view command, const Arguments& arguments,
                  std::initializer_list<Command> subcommands);

}  // namespace deepthin::explorer

// deepthin: picks the command, and turns what it throws into one sentence and an exit code.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "explorer/cli/commands.h"
#include "spec/build_info.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

constexpr int kFailed = 1;
constexpr int kBadInput = 2;

constexpr Command kCommands[] = {
    {"sweep", "run, resume and list sweeps over architectures", RunSweepCommand},
    {"choose", "the designs within a budget that are worth training", RunChoose},
    {"estimate", "predict latency, DRAM bytes and memory of a model on an SoC", RunEstimate},
    {"shapes", "every shape of a parameter budget, and the deepest for their time", RunShapes},
    {"whatif", "change hardware, formats or context: cliffs, crossovers, sensitivities", RunWhatIf},
    {"soc", "the SoCs known by name; check and compare SoC files", RunSoc},
    {"measure", "execute a model on this CPU and time it", RunMeasure},
    {"params", "count parameters; check them against the paper", RunParams},
    {"score", "how accurate models would be, by proxies", RunScore},
    {"proxies", "the accuracy proxies, and what each is worth", RunProxies},
    {"train", "train a model on text files; stops and goes on at any time", RunTrain},
    {"generate", "text from a checkpoint", RunGenerate},
    {"eval", "perplexity, multiple choice and logits of a checkpoint", RunEval},
    {"paper", "the tables of the MobileLLM paper", RunPaper},
    {"calibrate", "fit hardware numbers to published or measured latencies", RunCalibrate},
    {"export", "write a model for other tools: GGUF, safetensors, JSON", RunExport},
    {"convert", "write a checkpoint in another format", RunConvert},
    {"results", "export what a database holds as CSV or JSON", RunResults},
    {"doctor", "what this machine and this build are good for", RunDoctor},
};

void PrintHelp() {
  fmt::print(
      "deepthin {}: finds the best sub-billion-parameter language-model architecture for a "
      "phone.\n\nUsage: deepthin COMMAND [arguments]\n\nCommands:\n",
      GetBuildInfo().version);
  for (const Command& command : kCommands) {
    fmt::print("  {:<10} {}\n", command.name, command.help);
  }
  fmt::print(
      "\n'deepthin COMMAND --help' has options and examples. Start with:\n"
      "  deepthin sweep run demo\n"
      "  deepthin choose --params 125M --soc iphone-13\n");
}

int Run(const Arguments& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    PrintHelp();
    return arguments.empty() ? kBadInput : 0;
  }
  if (arguments[0] == "--version") {
    const BuildInfo& build = GetBuildInfo();
    fmt::print("deepthin {} ({}, {}, {})\n", build.version, build.commit, build.build_type,
               build.compiler);
    return 0;
  }
  for (const Command& command : kCommands) {
    if (command.name == arguments[0]) return command.run({arguments.begin() + 1, arguments.end()});
  }
  std::string names;
  for (const Command& command : kCommands) {
    names += (names.empty() ? "" : ", ") + std::string(command.name);
  }
  throw InputError({"command line", ""}, "'" + arguments[0] + "' is no command", "one of " + names);
}

// What a library calls a field of its options, its user knows as an option.
constexpr std::pair<std::string_view, std::string_view> kOptionOfField[] = {
    {"/generated_tokens", "--generate"},
    {"/positions", "--positions"},
    {"/max_tokens", "--max-tokens"},
    {"/top_p", "--top-p"},
    {"prompt", "--prompt"},
    {"sequences", "--batch"},
    {"length", "--length"},
    {"steps", "--steps"},
    {"warmup_steps", "--warmup"},
    {"peak", "--lr"},
    {"the text to train with", "--data"},
    {"the validation text", "--validation"},
};

std::string Sentence(const InputError& error) {
  std::string text = error.what();
  if (!error.where().file.empty()) return text;
  for (const auto& [field, option] : kOptionOfField) {
    if (error.where().place == field)
      return fmt::format("command line: {}{}", option, text.substr(field.size()));
  }
  return text;
}

// Results that did not reach their reader are no success.
void FlushResults() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw EnvironmentError("standard output: cannot be written");
}

}  // namespace

std::span<const Command> Commands() { return kCommands; }

}  // namespace deepthin::explorer

int main(int argc, char** argv) {
  using namespace deepthin;
  try {
    const int code = explorer::Run({argv + 1, argv + argc});
    explorer::FlushResults();
    return code;
  } catch (const InputError& error) {
    fmt::print(stderr, "deepthin: {}\n", explorer::Sentence(error));
    return explorer::kBadInput;
  } catch (const std::system_error& error) {
    // fmt's, where standard output takes no more, says no name.
    const bool is_output = std::ferror(stdout) != 0;
    fmt::print(stderr, "deepthin: {}\n",
               is_output ? "standard output: cannot be written" : error.what());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "deepthin: not enough memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "deepthin: {}\n", error.what());
  }
  return explorer::kFailed;
}

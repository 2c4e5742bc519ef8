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

// What a command takes that executes one MODEL: it, by its place or as --model, --seed, the options
// above and --threads.
void AddModelArguments(CommandLine& line, const std::string& seed_help = "of random weights");
// --mmap, of commands that execute a model.
void AddMmapOption(CommandLine& line);
[[nodiscard]] runtime::FileAccess FileAccessFrom(const CommandLine& line);
// --tokenizer.
void AddTokenizerOption(CommandLine& line);

// The MODEL of such a command, ready to be executed. Throws as WeightsFromArgument does.
struct OpenedModel {
  explicit OpenedModel(const CommandLine& line);
  std::string name;
  runtime::ThreadPool pool;
  runtime::Weights weights;
};
// --tokenizer, or what comes with the model.
[[nodiscard]] runtime::Tokenizer TokenizerFrom(const CommandLine& line, const OpenedModel& model);

// f32, f16, bf16, q8_0, q4_0 or int8 (also called w8a8). Throws InputError that names the option.
[[nodiscard]] Precision PrecisionOfDtype(const std::string& name, const std::string& option);

// --model, or the one positional argument in its place.
[[nodiscard]] std::string ModelFrom(const CommandLine& line);

}  // namespace deepthin::explorer

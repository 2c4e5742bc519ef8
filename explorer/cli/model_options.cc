#include "explorer/cli/model_options.h"

#include "explorer/cli/shared_options.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

std::optional<bool> YesOrNo(const CommandLine& line, const std::string& name) {
  const auto text = line.Get(name);
  if (!text) return std::nullopt;
  if (*text == "yes" || *text == "no") return *text == "yes";
  throw InputError({"command line", "--" + name}, "is '" + *text + "'", "yes or no");
}

}  // namespace

void AddModelOptions(CommandLine& line) {
  line.List("set", "override a key of a preset or JSON spec; may be given again")
      .Text("dtype", "convert the weights: f32, f16, bf16, q8_0, q4_0 or int8")
      .Text("share-embedding", "yes|no, where a config.json does not say it")
      .Text("layer-sharing", "yes|no, where a config.json does not say it");
}

void AddModelArguments(CommandLine& line, const std::string& seed_help) {
  line.Text("model", "the same as MODEL").Text("seed", seed_help, "1").Positional("MODEL", 0, 1);
  AddModelOptions(line);
  AddMmapOption(line);
  AddThreadsOption(line);
}

void AddMmapOption(CommandLine& line) {
  line.Text("mmap",
            "yes: execute a file's weights where it is mapped; no: from a copy on huge\n"
            "pages, where the system has them: loads a little later, then faster",
            "no");
}

runtime::FileAccess FileAccessFrom(const CommandLine& line) {
  return *YesOrNo(line, "mmap") ? runtime::FileAccess::kMap : runtime::FileAccess::kCopyToHugePages;
}

void AddTokenizerOption(CommandLine& line) {
  line.Text("tokenizer", "llama2.c tokenizer, sentencepiece model or GGUF file");
}

namespace {

ModelOptions ExecutedOptions(const CommandLine& line) {
  ModelOptions options = ModelOptionsFrom(line);
  options.access = FileAccessFrom(line);
  return options;
}

}  // namespace

OpenedModel::OpenedModel(const CommandLine& line)
    : name(ModelFrom(line)),
      pool(ThreadsFrom(line)),
      weights(WeightsFromArgument(name, ExecutedOptions(line), pool)) {}

runtime::Tokenizer TokenizerFrom(const CommandLine& line, const OpenedModel& model) {
  return TokenizerFromArgument(model.name, line.Get("tokenizer"), model.weights.spec.vocab_size);
}

Precision PrecisionOfDtype(const std::string& name, const std::string& option) {
  if (const auto precision = PrecisionByName(name == "int8" ? "w8a8" : name)) return *precision;
  throw InputError({"command line", option}, "is '" + name + "'",
                   "f32, f16, bf16, q8_0, q4_0 or int8");
}

ModelOptions ModelOptionsFrom(const CommandLine& line) {
  ModelOptions options;
  options.settings = line.GetList("set");
  options.seed = static_cast<uint64_t>(line.GetInt("seed", 0, INT64_MAX));
  options.sharing = {.share_embedding = YesOrNo(line, "share-embedding"),
                     .layer_sharing = YesOrNo(line, "layer-sharing")};
  if (const auto dtype = line.Get("dtype")) options.precision = PrecisionOfDtype(*dtype, "--dtype");
  return options;
}

std::string ModelFrom(const CommandLine& line) {
  const auto named = line.Get("model");
  if (named && !line.positional().empty()) {
    throw InputError({"command line", "--model"}, "is given beside '" + line.positional()[0] + "'",
                     "one model");
  }
  if (named) return *named;
  if (!line.positional().empty()) return line.positional()[0];
  throw InputError({"command line", ""}, "names no model", "MODEL (see --help)");
}

}  // namespace deepthin::explorer

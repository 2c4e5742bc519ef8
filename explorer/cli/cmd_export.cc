// deepthin export
#include <fmt/format.h>

#include <array>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/model_options.h"
#include "explorer/cli/shared_options.h"
#include "explorer/model_target.h"
#include "spec/files.h"

namespace deepthin::explorer {
namespace {

constexpr std::array kWeightFormats = {std::pair{"gguf", ModelFormat::kGguf},
                                       std::pair{"safetensors", ModelFormat::kSafetensors},
                                       std::pair{"llama2c", ModelFormat::kLlama2c}};

// One of the formats, or InputError.
void RequireOneFormat(const CommandLine& line) {
  int formats = (line.Has("hf-config") ? 1 : 0) + (line.json() ? 1 : 0);
  for (const auto& [name, format] : kWeightFormats) formats += line.Get(name) ? 1 : 0;
  if (formats == 1) return;
  throw InputError({"command line", ""}, fmt::format("names {} formats", formats),
                   "one of --gguf, --safetensors, --llama2c, --hf-config and --json");
}

// An option that changes nothing of this output is a misunderstanding, not a wish.
void RefuseIdleOptions(const CommandLine& line) {
  const bool has_weights = !line.json() && !line.Has("hf-config");
  const auto refuse = [&](const char* option, bool is_idle, const char* expected) {
    if (is_idle && line.Get(option))
      throw InputError({"command line", std::string("--") + option}, "is given", expected);
  };
  refuse("out", has_weights, "it with --hf-config or --json; --gguf and its like name their own");
  refuse("tokenizer", !line.Get("gguf"), "it with --gguf: no other format holds a vocabulary");
  refuse("dtype", line.json(), "it with another format: deepthin's own form has no weights");
}

void ExportWeights(const CommandLine& line, const std::string& model, ModelFormat format,
                   const std::string& path) {
  runtime::ThreadPool pool(ThreadsFrom(line));
  const runtime::Weights weights = WeightsFromArgument(model, ModelOptionsFrom(line), pool);
  const auto vocabulary =
      VocabularyFromArgument(model, line.Get("tokenizer"), weights.spec.vocab_size);
  const Bytes bytes = WriteModel(weights, vocabulary, format, path);
  fmt::print(stderr, "written to {}: {}\n", path, HumanBytes(bytes));
}

}  // namespace

int RunExport(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin export MODEL --gguf FILE|--safetensors FOLDER|--llama2c FILE|--hf-config|"
                "--json [options]",
       .text =
           "Writes a model for other tools. --gguf, --safetensors, --llama2c: with its weights,\n"
           "which are random where MODEL is a preset or JSON spec. --hf-config: a Hugging Face\n"
           "config.json in Llama naming, with MobileLLM's share_embedding and layer_sharing\n"
           "always stated. --json: deepthin's own form, to edit and use wherever a MODEL is\n"
           "asked for. Programs that do not know deepthin.repeat (GGUF) or layer_sharing\n"
           "(config.json) execute each stored block once: another model.",
       .examples = {"deepthin export mobilellm-125m --gguf mobilellm.gguf --dtype q4_0 --seed 7",
                    "deepthin export mobilellm-ls-125m --safetensors my-model --dtype bf16",
                    "deepthin export mobilellm-ls-125m --hf-config --out config.json",
                    "deepthin export mobilellm-125m:n_blocks=12,d_model=768 --json > my.json"}});
  line.Text("gguf", "write weights to this GGUF file")
      .Text("safetensors", "write config.json and model.safetensors into this folder")
      .Text("llama2c", "write weights to this llama2.c checkpoint (f32)")
      .Flag("hf-config", "write a Hugging Face config.json")
      .Text("out", "file to write --hf-config or --json to instead of standard output")
      .Text("tokenizer", "vocabulary for a GGUF file: llama2.c's, sentencepiece's or GGUF")
      .Text("seed", "of random weights", "1")
      .Positional("MODEL", 1, 1);
  AddModelOptions(line);
  AddThreadsOption(line);
  if (!line.Parse(arguments)) return 0;
  RequireOneFormat(line);
  RefuseIdleOptions(line);
  const std::string& model = line.positional()[0];
  for (const auto& [name, format] : kWeightFormats) {
    if (const auto path = line.GetFilled(name)) {
      ExportWeights(line, model, format, *path);
      return 0;
    }
  }
  const ModelOptions options = ModelOptionsFrom(line);
  const ModelSpec spec = SpecFromArgument(model, options);
  const Dtype dtype = options.precision.value_or(kF32).weights;
  const std::string text =
      (line.json() ? ToJson(spec) : runtime::HfConfig(spec, dtype)).dump(2) + "\n";
  if (const auto path = line.GetFilled("out")) {
    WriteFileAtomically(*path, text);
    fmt::print(stderr, "written to {}\n", *path);
  } else {
    fmt::print("{}", text);
  }
  return 0;
}

}  // namespace deepthin::explorer

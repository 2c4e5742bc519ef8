#include "explorer/model_source.h"

#include <array>
#include <filesystem>
#include <fstream>

#include "runtime/checkpoint/gguf.h"
#include "runtime/checkpoint/llama2c.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/vocabulary_files.h"
#include "spec/argument.h"
#include "spec/errors.h"
#include "spec/model_argument.h"
#include "spec/model_presets.h"

namespace deepthin::explorer {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHeadBytes = 64;

std::string HeadOf(const std::string& path) {
  std::array<char, kHeadBytes> head = {};
  std::ifstream in(path, std::ios::binary);
  in.read(head.data(), head.size());
  return {head.data(), static_cast<size_t>(in.gcount())};
}

ModelKind KindByContent(const std::string& path) {
  const std::string head = HeadOf(path);
  if (head.starts_with("GGUF")) return ModelKind::kGguf;
  const size_t text = head.find_first_not_of(" \t\r\n");
  if (path.ends_with(".json") || (text != std::string::npos && head[text] == '{')) {
    return ModelKind::kSpec;
  }
  // The header's length in 8 bytes, of which a file that could be read has 0 in the upper ones.
  const bool is_header =
      head.size() > 8 && head[8] == '{' && head.substr(4, 4) == std::string(4, 0);
  return is_header || path.ends_with(".safetensors") ? ModelKind::kSafetensors
                                                     : ModelKind::kLlama2c;
}

// A config.json of Hugging Face where a spec is asked for.
std::optional<ModelSpec> SpecOfHfConfig(const std::string& argument, const ModelOptions& options) {
  std::error_code ignored;
  const std::string path = ArgumentBase(argument);
  if (!path.ends_with(".json") || !fs::is_regular_file(path, ignored)) return std::nullopt;
  const Json json = ReadJsonFile(path);
  if (!runtime::IsHfConfig(json)) return std::nullopt;
  if (path != argument || !options.settings.empty()) {
    throw InputError({argument, ""}, "overrides keys of a config.json",
                     "overrides of a preset or of deepthin's own JSON (deepthin export --json)");
  }
  return runtime::SpecFromHfConfig(json, path, options.sharing);
}

ModelSpec SpecOfSpec(const std::string& argument, const ModelOptions& options) {
  if (const auto spec = SpecOfHfConfig(argument, options)) return *spec;
  const std::string base = ArgumentBase(argument);
  if (!ModelPresetByName(base) && !base.ends_with(".json") && base.find(':') == std::string::npos) {
    throw InputError(
        {"", ""}, "'" + base + "' is no model that is known",
        "a preset ('deepthin params' lists them), a JSON spec, a GGUF or llama2.c file "
        "or a folder with config.json and model.safetensors");
  }
  return ModelFromArgument(argument, options.settings);
}

runtime::Weights Load(const std::string& argument, ModelKind kind, const ModelOptions& options) {
  if (!options.settings.empty()) {
    throw InputError({"command line", "--set"}, "changes a checkpoint's shape",
                     "--set with a preset or a JSON spec only");
  }
  switch (kind) {
    case ModelKind::kGguf:
      return runtime::LoadGguf(argument, options.access);
    case ModelKind::kSafetensors:
      return runtime::LoadSafetensors(argument, options.sharing, options.access);
    default:
      return runtime::LoadLlama2c(argument, options.access);
  }
}

}  // namespace

ModelKind KindOfModel(const std::string& argument) {
  std::error_code ignored;
  if (ModelPresetByName(ArgumentBase(argument))) return ModelKind::kSpec;
  if (fs::is_directory(argument, ignored)) return ModelKind::kSafetensors;
  if (fs::is_regular_file(argument, ignored)) return KindByContent(argument);
  if (argument.ends_with(".gguf")) return ModelKind::kGguf;
  if (argument.ends_with(".safetensors")) return ModelKind::kSafetensors;
  return argument.ends_with(".bin") ? ModelKind::kLlama2c : ModelKind::kSpec;
}

runtime::Weights WeightsFromArgument(const std::string& argument, const ModelOptions& options,
                                     runtime::ThreadPool& pool) {
  const ModelKind kind = KindOfModel(argument);
  if (kind == ModelKind::kSpec) {
    return runtime::RandomWeights(SpecOfSpec(argument, options), options.seed, pool,
                                  options.precision.value_or(kF32));
  }
  runtime::Weights weights = Load(argument, kind, options);
  return options.precision ? runtime::ConvertWeights(weights, *options.precision, pool) : weights;
}

ModelSpec SpecFromArgument(const std::string& argument, const ModelOptions& options) {
  const ModelKind kind = KindOfModel(argument);
  return kind == ModelKind::kSpec ? SpecOfSpec(argument, options)
                                  : Load(argument, kind, options).spec;
}

std::optional<runtime::Vocabulary> VocabularyFromArgument(
    const std::string& argument, const std::optional<std::string>& tokenizer, int64_t vocab_size) {
  if (tokenizer) return runtime::LoadVocabulary(*tokenizer, vocab_size);
  const ModelKind kind = KindOfModel(argument);
  if (kind == ModelKind::kGguf) return runtime::LoadGgufVocabulary(argument);
  if (kind != ModelKind::kSafetensors) return std::nullopt;
  std::error_code ignored;
  const fs::path path(argument);
  const fs::path file =
      (fs::is_directory(path, ignored) ? path : path.parent_path()) / "tokenizer.model";
  if (!fs::exists(file, ignored)) return std::nullopt;
  return runtime::LoadVocabulary(file.string(), vocab_size);
}

runtime::Tokenizer TokenizerFromArgument(const std::string& argument,
                                         const std::optional<std::string>& tokenizer,
                                         int64_t vocab_size) {
  if (tokenizer) return runtime::LoadTokenizer(*tokenizer, vocab_size);
  const auto vocabulary = VocabularyFromArgument(argument, tokenizer, vocab_size);
  if (vocabulary) return runtime::Tokenizer::FromVocabulary(*vocabulary, argument);
  throw InputError({argument, ""}, "comes without a vocabulary",
                   "--tokenizer with a llama2.c tokenizer, a sentencepiece model or a GGUF file");
}

}  // namespace deepthin::explorer

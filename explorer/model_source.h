// The one place that decides what a MODEL is that a user names: a preset or JSON spec, which gets
// random weights, or a checkpoint. Files are told apart by their content.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/checkpoint/file_content.h"
#include "runtime/checkpoint/hf_config.h"
#include "runtime/checkpoint/vocabulary.h"
#include "runtime/text/tokenizer.h"
#include "runtime/thread_pool.h"
#include "runtime/weights.h"
#include "spec/precision.h"

namespace deepthin::explorer {

enum class ModelKind {
  kSpec,         // a preset, or a JSON file (deepthin's own, or a Hugging Face config.json)
  kLlama2c,      // .bin
  kGguf,         // .gguf
  kSafetensors,  // a folder with config.json, or a .safetensors file beside one
};

// A path that leads nowhere is taken for what its suffix says.
[[nodiscard]] ModelKind KindOfModel(const std::string& argument);

struct ModelOptions {
  std::vector<std::string> settings{};  // "key=value" overrides; a spec's only
  uint64_t seed = 1;                    // of random weights
  runtime::HfSharing sharing{};
  // Formats to convert the weights to; absent: as the checkpoint has them, f32 of a spec.
  std::optional<Precision> precision{};
  // Of a checkpoint's file.
  runtime::FileAccess access = runtime::FileAccess::kMap;
};

// Throws InputError (also for settings on a checkpoint, whose shape is fixed) and EnvironmentError.
[[nodiscard]] runtime::Weights WeightsFromArgument(const std::string& argument,
                                                   const ModelOptions& options,
                                                   runtime::ThreadPool& pool);

// The architecture alone; makes no random weights.
[[nodiscard]] ModelSpec SpecFromArgument(const std::string& argument, const ModelOptions& options);

// What comes with the model: in a GGUF file, or as tokenizer.model in a folder. tokenizer: a file
// that is taken instead. Absent where there is none. Throws InputError, also where it has not
// vocab_size pieces.
[[nodiscard]] std::optional<runtime::Vocabulary> VocabularyFromArgument(
    const std::string& argument, const std::optional<std::string>& tokenizer, int64_t vocab_size);

// The same, to be used. Throws InputError that names --tokenizer where there is none.
[[nodiscard]] runtime::Tokenizer TokenizerFromArgument(const std::string& argument,
                                                       const std::optional<std::string>& tokenizer,
                                                       int64_t vocab_size);

}  // namespace deepthin::explorer

// llama2.c v0 checkpoints: f32 Llama models in the layout of github.com/karpathy/llama2.c,
// export.py, legacy_export(). No tokenizer, no quantised versions (v1, v2).
#pragma once

#include <string>

#include "runtime/checkpoint/file_content.h"
#include "runtime/weights.h"

namespace deepthin::runtime {

// The weights are views of the file's bytes. Throws InputError where the file is no whole and sound
// checkpoint.
[[nodiscard]] Weights LoadLlama2c(const std::string& path, FileAccess access = FileAccess::kMap);
[[nodiscard]] Weights WeightsFromLlama2c(const FileContent& file, const std::string& path);

// Writes a checkpoint that LoadLlama2c reads back equal; the target is either untouched or whole.
// Throws InputError where the format cannot express the model (repeats, an FFN other than SwiGLU,
// head_dim other than d_model / n_heads, other RoPE or norm constants), EnvironmentError where the
// disk refuses.
void WriteLlama2c(const Weights& weights, const std::string& path);

}  // namespace deepthin::runtime

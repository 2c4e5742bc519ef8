// Models in GGUF v3 (github.com/ggml-org/ggml, docs/gguf.md), architecture "llama": F32, F16, BF16,
// Q8_0 and Q4_0, each tensor in a format of its own, with the vocabulary in the same file.
//
// What Llama cannot say is in keys of our own: deepthin.repeat, deepthin.kv_policy, deepthin.ffn.
// Other readers ignore them, and so execute the stored blocks once each: another model.
#pragma once

#include <optional>
#include <string>

#include "runtime/checkpoint/gguf_file.h"
#include "runtime/checkpoint/vocabulary.h"
#include "runtime/weights.h"

namespace deepthin::runtime {

// The weights are views of the file's bytes: nothing is repacked. Rows of queries and keys
// are in the order of adjacent RoPE pairs, as ours. Throws InputError where the file is no whole
// and sound Llama model, or one that needs more than a ModelSpec says (biases, experts, scaled
// RoPE).
[[nodiscard]] Weights LoadGguf(const std::string& path, FileAccess access = FileAccess::kMap);
[[nodiscard]] Weights WeightsFromGguf(const GgufFile& file);

// Absent where the file has none. Throws InputError where it is not sound, or of a kind other than
// "llama" (BPE) and "t5" (unigram).
[[nodiscard]] std::optional<Vocabulary> LoadGgufVocabulary(const std::string& path);
[[nodiscard]] std::optional<Vocabulary> VocabularyFromGguf(const GgufFile& file);

// Throws InputError where the format cannot hold the weights (int8; rows of a quantised matrix that
// are no whole groups; a vocabulary of another size), EnvironmentError where the disk refuses. The
// target is either untouched or whole.
void WriteGguf(const Weights& weights, const std::optional<Vocabulary>& vocabulary,
               const std::string& path);

}  // namespace deepthin::runtime

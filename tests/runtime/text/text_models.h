// Models for tests of text: a small one with random weights, and the third-party checkpoint that
// this project does not ship.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "runtime/checkpoint/llama2c.h"
#include "runtime/text/tokenizer.h"
#include "runtime/weights.h"

namespace deepthin::runtime {

// For TokenizerOf(`texts` pieces).
inline ModelSpec SmallTextSpec(int64_t texts, int64_t max_seq_len) {
  return {.vocab_size = Tokenizer::kFirstText + texts,
          .d_model = 32,
          .n_blocks = 2,
          .n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = 8,
          .d_ff = 48,
          .max_seq_len = max_seq_len};
}

inline std::string StoriesFolder() { return DEEPTHIN_SOURCE_DIR "/../shared/checkpoints/"; }

struct Stories {
  Weights weights;
  Tokenizer tokenizer;
};

// stories260K; absent where it is not at hand.
inline std::optional<Stories> LoadStories() {
  if (!std::filesystem::exists(StoriesFolder() + "stories260K.bin")) return std::nullopt;
  Weights weights = LoadLlama2c(StoriesFolder() + "stories260K.bin");
  Tokenizer tokenizer = LoadTokenizer(StoriesFolder() + "tok512.bin", weights.spec.vocab_size);
  return Stories{std::move(weights), std::move(tokenizer)};
}

}  // namespace deepthin::runtime

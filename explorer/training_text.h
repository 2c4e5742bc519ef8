// The text that a model is trained with and the text that it is judged by, as tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer.h"

namespace deepthin::explorer {

// Each file as BOS and its tokens, one behind the other. A file is encoded in pieces of about
// 64 KiB that end at a line's end, so that a long one needs no more memory than that. Throws
// InputError where a file cannot be read or is empty.
[[nodiscard]] std::vector<int32_t> TokensOfFiles(const std::vector<std::string>& paths,
                                                 const runtime::Tokenizer& tokenizer);

struct TrainingText {
  std::vector<int32_t> training;
  std::vector<int32_t> validation;
};

// validation_paths empty: the last `held_out` of the tokens, at least one window of
// `length` + 1, are held out. Throws InputError where either part is shorter than a window.
[[nodiscard]] TrainingText ReadTrainingText(const std::vector<std::string>& paths,
                                            const std::vector<std::string>& validation_paths,
                                            double held_out, int64_t length,
                                            const runtime::Tokenizer& tokenizer);

// 16 hexadecimal digits that tell one sequence of tokens from another (FNV-1a, 64 bits). No
// protection against forgery.
[[nodiscard]] std::string TokenHash(const std::vector<int32_t>& tokens);

// Windows of `length` + 1 tokens, each predicting tokens that no other predicts, in order; of more
// than `most_tokens` predicted tokens only some, evenly spread. REQUIRES: a text of a window.
[[nodiscard]] std::vector<int64_t> WindowStarts(int64_t tokens, int64_t length,
                                                int64_t most_tokens);

}  // namespace deepthin::explorer

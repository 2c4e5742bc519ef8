// Vocabularies in the files that tokenizers come in: llama2.c's, sentencepiece's .model, GGUF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/checkpoint/vocabulary.h"

namespace deepthin::runtime {

enum class VocabularyFormat { kLlama2c, kSentencePiece, kGguf };

// By the first bytes; what is none of the others is taken for llama2.c's, which has no mark.
[[nodiscard]] VocabularyFormat VocabularyFormatOf(std::string_view bytes);

// The content of a llama2.c tokenizer file: int32 max_token_length, then for each of vocab_size
// pieces float score, int32 length, bytes; little endian. Its pieces are as they stand there, with
// spaces for themselves. Throws InputError that names `file` and the byte offset.
[[nodiscard]] Vocabulary Llama2cVocabulary(std::string_view bytes, int64_t vocab_size,
                                           const std::string& file);

// The content of a sentencepiece model (a protocol buffer, sentencepiece_model.proto), BPE or
// unigram. Throws InputError.
[[nodiscard]] Vocabulary SentencePieceVocabulary(std::string_view bytes, const std::string& file);

// Any of them, with U+2581 for spaces: what a GGUF file is to hold. Throws InputError also where it
// has not vocab_size pieces.
[[nodiscard]] Vocabulary LoadVocabulary(const std::string& path, int64_t vocab_size);

// The same with as many pieces as the file has; llama2.c's files do not say it, and have to have
// llama2c_size.
[[nodiscard]] Vocabulary LoadVocabularyOfAnySize(const std::string& path, int64_t llama2c_size);

// No text but the 256 bytes, behind unknown, BOS and EOS as in llama2.c's: what a model is trained
// with that has no vocabulary.
[[nodiscard]] Vocabulary ByteVocabulary();

// "<0x0A>"
[[nodiscard]] std::string ByteName(int byte);

inline constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // U+2581
[[nodiscard]] std::string Replaced(std::string_view text, std::string_view from,
                                   std::string_view to);

}  // namespace deepthin::runtime

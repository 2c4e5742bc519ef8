// Vocabulary: what a file says about a tokenizer, in sentencepiece's terms. Plain data;
// runtime/text/tokenizer.h executes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace deepthin::runtime {

// Numbered as sentencepiece_model.proto and GGUF's tokenizer.ggml.token_type have them.
enum class PieceKind {
  kText = 1,
  kUnknown = 2,      // stands for what the vocabulary cannot express
  kControl = 3,      // BOS, EOS: never made from text
  kUserDefined = 4,  // always one token, wherever it occurs
  kUnused = 5,       // never given out
  kByte = 6,         // "<0x0A>"
};

struct VocabularyPiece {
  std::string text;  // U+2581 for a space
  float score = 0;
  PieceKind kind = PieceKind::kText;

  friend bool operator==(const VocabularyPiece&, const VocabularyPiece&) = default;
};

enum class Segmentation {
  kBpe,      // merge neighbours, best score first
  kUnigram,  // the likeliest sequence of pieces
};

struct Vocabulary {
  Segmentation segmentation = Segmentation::kBpe;
  std::vector<VocabularyPiece> pieces;  // by id
  int32_t unknown = 0;
  std::optional<int32_t> bos;
  std::optional<int32_t> eos;
  bool add_space_prefix = true;          // put a space before the text
  bool remove_extra_whitespaces = true;  // at both ends, and all but one between words
  std::string character_map{};           // precompiled_charsmap of sentencepiece; empty: none

  friend bool operator==(const Vocabulary&, const Vocabulary&) = default;
};

}  // namespace deepthin::runtime

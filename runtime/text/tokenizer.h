// Tokenizer: text to token ids and back, by the vocabulary of a llama2.c tokenizer file, a
// sentencepiece model or a GGUF file (BPE and unigram, with byte fallback).
//
//   const Tokenizer tokenizer = LoadTokenizer("tok512.bin", spec.vocab_size);
//   std::vector<int32_t> ids = tokenizer.Encode("Once upon a time", Tokenizer::Marks::kBos);
//   std::string text = tokenizer.Decode(ids);
//
// Gives the ids of llama2.c's run.c and of sentencepiece, in O(n log n). Not for training
// vocabularies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/checkpoint/vocabulary.h"
#include "runtime/text/normalizer.h"
#include "runtime/text/piece_index.h"

namespace deepthin::runtime {

// Immutable: any number of threads may share one.
class Tokenizer {
 public:
  // In llama2.c's files, which are all of this kind.
  static constexpr int32_t kUnknown = 0;
  static constexpr int32_t kBos = 1;
  static constexpr int32_t kEos = 2;
  static constexpr int32_t kFirstByte = 3;  // the pieces <0x00> to <0xFF>
  static constexpr int32_t kFirstText = kFirstByte + 256;

  enum class Marks { kNone, kBos, kBosAndEos };

  // Reads the content of a llama2.c file. Throws InputError that names `file` and the byte offset.
  static Tokenizer FromBytes(std::string_view bytes, int64_t vocab_size, const std::string& file);

  // Throws InputError that names `file` where the vocabulary is not sound.
  static Tokenizer FromVocabulary(const Vocabulary& vocabulary, const std::string& file);

  [[nodiscard]] int64_t vocab_size() const { return static_cast<int64_t>(pieces_.size()); }
  [[nodiscard]] std::optional<int32_t> bos() const { return bos_; }
  [[nodiscard]] std::optional<int32_t> eos() const { return eos_; }

  // Any bytes, also none and invalid UTF-8. A space is put before the text where the vocabulary was
  // made with one; empty text has no tokens beside the marks. A mark that the vocabulary lacks is
  // left out.
  [[nodiscard]] std::vector<int32_t> Encode(std::string_view text, Marks marks) const;

  // Decode(Encode(s, marks)) == s, unless the vocabulary changes texts first (removes spaces, maps
  // characters, takes U+2581 for a space) or has no bytes for what it does not know.
  [[nodiscard]] std::string Decode(std::span<const int32_t> ids) const;

  // What `id` adds to a text whose last token is `previous`; valid as long as the tokenizer.
  // Begin with BOS as previous: the space that Encode put before the text is dropped there. May be
  // part of a UTF-8 character. REQUIRES: id in [0, vocab_size).
  [[nodiscard]] std::string_view DecodePiece(int32_t previous, int32_t id) const;

 private:
  struct Piece {
    std::string bytes;  // what it decodes to; one byte for <0x..>, none for BOS and EOS
    float score = 0;
    bool is_unused = false;
  };
  // What the text before is cut into at first.
  enum class Alphabet {
    kLlama2c,        // characters as run.c takes them; one that is no piece is bytes, never merged
    kSentencePiece,  // UTF-8; one that is no piece may still become part of one
  };
  class Merger;                 // bpe.cc
  class Lattice;                // unigram.cc
  struct Span {                 // of the normalised text
    std::optional<int32_t> id;  // absent: no piece
    size_t begin, length;
  };

  Tokenizer() = default;
  static Tokenizer Make(const Vocabulary& vocabulary, Alphabet alphabet, const std::string& file);
  void AddPiece(const VocabularyPiece& piece, int32_t id, const std::string& file);
  [[nodiscard]] std::vector<Span> Merge(std::string_view text) const;          // BPE
  [[nodiscard]] std::vector<Span> LikeliestPath(std::string_view text) const;  // unigram
  [[nodiscard]] std::optional<int32_t> Find(std::string_view text) const;
  void AppendIds(std::span<const Span> spans, std::string_view text,
                 std::vector<int32_t>& ids) const;
  [[nodiscard]] std::string_view DecodeAtStart(int32_t id) const;

  Segmentation segmentation_ = Segmentation::kBpe;
  Alphabet alphabet_ = Alphabet::kLlama2c;
  Normalizer normalizer_;
  std::vector<Piece> pieces_;
  int32_t unknown_ = 0;
  std::optional<int32_t> bos_;
  std::optional<int32_t> eos_;
  std::array<std::optional<int32_t>, 256> bytes_{};
  // BPE. Only pieces that stand for their own text: never marks and <0x..>, so that a text which
  // reads "<0x0A>" comes back as it was.
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> ids_;
  size_t longest_piece_ = 0;
  PieceIndex user_defined_;
  // Unigram.
  PieceIndex index_;
  float unknown_score_ = 0;
};

// By a file of any of the formats, with vocab_size pieces. Throws InputError where the file cannot
// be read or is not one.
[[nodiscard]] Tokenizer LoadTokenizer(const std::string& path, int64_t vocab_size);

}  // namespace deepthin::runtime

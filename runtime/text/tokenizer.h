// Tokenizer: text to token ids and back, by a llama2.c tokenizer file (BPE with byte fallback).
//
//   const Tokenizer tokenizer = LoadTokenizer("tok512.bin", spec.vocab_size);
//   std::vector<int32_t> ids = tokenizer.Encode("Once upon a time", Tokenizer::Marks::kBos);
//   std::string text = tokenizer.Decode(ids);
//
// Gives the ids of llama2.c's run.c, in O(n log n). Not for training vocabularies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace deepthin::runtime {

// Immutable: any number of threads may share one.
class Tokenizer {
 public:
  static constexpr int32_t kUnknown = 0;
  static constexpr int32_t kBos = 1;
  static constexpr int32_t kEos = 2;
  static constexpr int32_t kFirstByte = 3;  // the pieces <0x00> to <0xFF>
  static constexpr int32_t kFirstText = kFirstByte + 256;

  enum class Marks { kNone, kBos, kBosAndEos };

  // Reads the content of a file: int32 max_token_length, then for each of vocab_size pieces float
  // score, int32 length, bytes; little endian. Throws InputError that names `file` and the byte
  // offset.
  static Tokenizer FromBytes(std::string_view bytes, int64_t vocab_size, const std::string& file);

  [[nodiscard]] int64_t vocab_size() const { return static_cast<int64_t>(pieces_.size()); }

  // Any bytes, also none and invalid UTF-8. A space is put before the text, as the vocabulary was
  // made with one; empty text has no tokens beside the marks.
  [[nodiscard]] std::vector<int32_t> Encode(std::string_view text, Marks marks) const;

  // Decode(Encode(s, marks)) == s.
  [[nodiscard]] std::string Decode(std::span<const int32_t> ids) const;

  // What `id` adds to a text whose last token is `previous`; valid as long as the tokenizer.
  // Begin with kBos as previous: the space that Encode put before the text is dropped there. May be
  // part of a UTF-8 character. REQUIRES: id in [0, vocab_size).
  [[nodiscard]] std::string_view DecodePiece(int32_t previous, int32_t id) const;

 private:
  struct Piece {
    std::string bytes;  // what it decodes to; one byte for <0x..>, none for BOS and EOS
    float score = 0;
  };
  class Merger;

  Tokenizer() = default;

  std::vector<Piece> pieces_;
  // Only pieces that stand for their own text: never marks and <0x..>, so that a text which reads
  // "<0x0A>" comes back as it was.
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> ids_;
  size_t longest_piece_ = 0;
};

// Throws InputError where the file cannot be read or is not one.
[[nodiscard]] Tokenizer LoadTokenizer(const std::string& path, int64_t vocab_size);

}  // namespace deepthin::runtime

// Tokenizer files for tests, made in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "runtime/text/tokenizer.h"

namespace deepthin::runtime {

struct TextPiece {
  std::string text;
  float score = 0;
};

inline std::string ByteText(int byte) {
  char text[8];
  std::snprintf(text, sizeof(text), "<0x%02X>", static_cast<unsigned>(byte));
  return text;
}

// The marks, the 256 bytes, then `texts`.
inline std::vector<TextPiece> AllPieces(const std::vector<TextPiece>& texts) {
  std::vector<TextPiece> pieces = {{"<unk>", 0}, {"\n<s>\n", 0}, {"\n</s>\n", 0}};
  for (int byte = 0; byte < 256; ++byte) pieces.push_back({ByteText(byte), 0});
  pieces.insert(pieces.end(), texts.begin(), texts.end());
  return pieces;
}

template <class T>
void AppendRaw(T value, std::string& out) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

inline std::string FileOf(const std::vector<TextPiece>& pieces, int32_t max_length = 64) {
  std::string out;
  AppendRaw(max_length, out);
  for (const TextPiece& piece : pieces) {
    AppendRaw(piece.score, out);
    AppendRaw(static_cast<int32_t>(piece.text.size()), out);
    out += piece.text;
  }
  return out;
}

inline Tokenizer TokenizerOf(const std::vector<TextPiece>& texts) {
  const std::vector<TextPiece> pieces = AllPieces(texts);
  return Tokenizer::FromBytes(FileOf(pieces), static_cast<int64_t>(pieces.size()), "made.bin");
}

}  // namespace deepthin::runtime

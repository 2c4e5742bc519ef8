// Normalizer: what happens to a text before it is cut into pieces, as sentencepiece does it
// (normalizer.cc): characters are replaced by the vocabulary's map, surplus spaces go, one comes to
// the front. Spaces are spaces here, never U+2581.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/piece_index.h"

namespace deepthin::runtime {

// Bytes of the UTF-8 character at the front; 1 where there is none, so that any bytes have a
// reading. REQUIRES: not empty.
[[nodiscard]] size_t Utf8Length(std::string_view text);

class Normalizer {
 public:
  Normalizer() = default;  // changes nothing but for the space in front
  // map: sentencepiece's precompiled_charsmap (size of a Darts-clone double array, the array, the
  // replacements), or empty. Throws InputError where it is none.
  Normalizer(std::string_view map, const std::string& file);

  bool add_space_prefix = true;
  bool remove_extra_whitespaces = false;
  bool unmarks_spaces = true;  // U+2581 in a text is a space
  PieceIndex kept;             // texts that the map does not touch

  // Bytes that are no UTF-8 stay as they are, where sentencepiece has U+FFFD: they come back.
  [[nodiscard]] std::string Normalize(std::string_view text) const;

 private:
  struct Replacement {
    std::string_view text;
    size_t length;  // of what it replaces
  };
  [[nodiscard]] Replacement Next(std::string_view text) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace deepthin::runtime

#include "runtime/text/normalizer.h"

#include <cstring>

#include "runtime/checkpoint/vocabulary_files.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// A unit of Darts-clone (github.com/s-yata/darts-clone, darts.h, class DoubleArrayUnit).
bool HasLeaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t Value(uint32_t unit) { return unit & 0x7fffffffU; }
uint32_t Label(uint32_t unit) { return unit & 0x800000ffU; }
uint32_t Offset(uint32_t unit) { return unit >> 10 << ((unit & 0x200U) >> 6); }

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

size_t Utf8Length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t n = first < 0x80   ? 1
                   : first < 0xc2 ? 0
                   : first < 0xe0 ? 2
                   : first < 0xf0 ? 3
                   : first < 0xf5 ? 4
                                  : 0;
  if (n <= 1 || n > text.size()) return 1;
  for (size_t i = 1; i < n; ++i) {
    if (!IsContinuation(text[i])) return 1;
  }
  // Too long a form, a surrogate, or beyond U+10FFFF.
  const auto second = static_cast<unsigned char>(text[1]);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
    return 1;
  }
  return n;
}

Normalizer::Normalizer(std::string_view map, const std::string& file) {
  if (map.empty()) return;
  uint32_t array_bytes = 0;
  if (map.size() > sizeof(array_bytes)) std::memcpy(&array_bytes, map.data(), sizeof(array_bytes));
  if (array_bytes == 0 || array_bytes % 4 != 0 || array_bytes >= map.size() - sizeof(array_bytes)) {
    throw InputError({file, "precompiled_charsmap"}, "is broken",
                     "the size of a double array, the array and texts");
  }
  units_.resize(array_bytes / 4);
  std::memcpy(units_.data(), map.data() + sizeof(array_bytes), array_bytes);
  replacements_ = map.substr(sizeof(array_bytes) + array_bytes);
}

Normalizer::Replacement Normalizer::Next(std::string_view text) const {
  if (const size_t length = kept.LongestPrefix(text); length > 0) {
    return {text.substr(0, length), length};
  }
  // The longest rule that the text begins with. Every index is checked: the array is a file's.
  Replacement best = {text.substr(0, Utf8Length(text)), Utf8Length(text)};
  if (units_.empty()) return best;
  uint32_t at = Offset(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (at >= units_.size() || Label(units_[at]) != byte) break;
    const uint32_t unit = units_[at];
    at ^= Offset(unit);
    if (at >= units_.size()) break;
    if (!HasLeaf(unit)) continue;
    const uint32_t begin = Value(units_[at]);
    if (begin >= replacements_.size()) break;
    const std::string_view rest = std::string_view(replacements_).substr(begin);
    best = {rest.substr(0, rest.find('\0')), i + 1};
  }
  return best;
}

std::string Normalizer::Normalize(std::string_view text) const {
  if (remove_extra_whitespaces) {
    while (!text.empty()) {
      const Replacement next = Next(text);
      if (next.text != " ") break;
      text.remove_prefix(next.length);
    }
  }
  std::string out;
  if (text.empty()) return out;
  if (add_space_prefix) out += ' ';
  bool drops_spaces = remove_extra_whitespaces;
  while (!text.empty()) {
    Replacement next = Next(text);
    text.remove_prefix(next.length);
    while (drops_spaces && next.text.starts_with(' ')) next.text.remove_prefix(1);
    if (next.text.empty()) continue;
    out += next.text;
    drops_spaces = remove_extra_whitespaces && next.text.ends_with(' ');
  }
  if (unmarks_spaces) out = Replaced(out, kSpaceMark, " ");
  if (remove_extra_whitespaces) {
    while (out.ends_with(' ')) out.pop_back();
  }
  return out;
}

}  // namespace deepthin::runtime

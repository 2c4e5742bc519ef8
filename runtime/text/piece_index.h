// PieceIndex: which of a set of texts another text begins with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deepthin::runtime {

// A sorted list, searched as a trie is: each byte of the text narrows the range of candidates, and
// the search ends where none is left.
class PieceIndex {
 public:
  PieceIndex() = default;
  // The first id of equal texts counts. Empty texts do not.
  explicit PieceIndex(std::vector<std::pair<std::string, int32_t>> pieces)
      : pieces_(std::move(pieces)) {
    std::stable_sort(pieces_.begin(), pieces_.end(),
                     [](const Piece& a, const Piece& b) { return a.first < b.first; });
    const auto same = [](const Piece& a, const Piece& b) { return a.first == b.first; };
    pieces_.erase(std::unique(pieces_.begin(), pieces_.end(), same), pieces_.end());
    if (!pieces_.empty() && pieces_.front().first.empty()) pieces_.erase(pieces_.begin());
  }

  // Calls visit(length, id) for each piece that the text begins with, short ones first.
  template <class Visit>
  void ForEachPrefix(std::string_view text, const Visit& visit) const {
    auto begin = pieces_.begin();
    auto end = pieces_.end();
    for (size_t depth = 0; depth < text.size() && begin != end; ++depth) {
      const auto at_depth = [depth](const Piece& piece) {
        return static_cast<unsigned char>(piece.first[depth]);
      };
      const auto byte = static_cast<unsigned char>(text[depth]);
      begin = std::partition_point(begin, end, [&](const Piece& p) { return at_depth(p) < byte; });
      end = std::partition_point(begin, end, [&](const Piece& p) { return at_depth(p) == byte; });
      if (begin != end && begin->first.size() == depth + 1) {
        visit(depth + 1, begin->second);
        ++begin;  // the others are longer: each has a byte at the next depth
      }
    }
  }

  // 0 where there is none.
  [[nodiscard]] size_t LongestPrefix(std::string_view text) const {
    size_t longest = 0;
    ForEachPrefix(text, [&longest](size_t length, int32_t) { longest = length; });
    return longest;
  }

 private:
  using Piece = std::pair<std::string, int32_t>;
  std::vector<Piece> pieces_;
};

}  // namespace deepthin::runtime

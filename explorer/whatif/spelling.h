// Which of the names there are somebody may have meant.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace deepthin::explorer {

// Insertions, deletions, replacements and swaps of neighbours that make one text the other
// (Damerau; optimal string alignment).
[[nodiscard]] size_t SpellingDistance(std::string_view a, std::string_view b);

// "a, b or c": the names that are spelt most like `text`, or all of them where none is near.
[[nodiscard]] std::string NearNames(std::string_view text, std::span<const std::string> names);

}  // namespace deepthin::explorer

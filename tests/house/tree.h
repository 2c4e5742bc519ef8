// The files of this repository, for tests that read them as text.
#pragma once

#include <string>
#include <vector>

namespace deepthin::house {

struct TextFile {
  std::string path;  // from the root, with '/'
  std::string text;
};

// All text files, sorted by path; what is built, fetched or git's own is left out.
[[nodiscard]] const std::vector<TextFile>& Tree();

[[nodiscard]] bool Exists(const std::string& path);

[[nodiscard]] std::vector<std::string> Lines(const std::string& text);

}  // namespace deepthin::house

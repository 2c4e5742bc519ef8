#include "tests/house/tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace deepthin::house {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = DEEPTHIN_SOURCE_DIR;

bool IsText(const fs::path& path) {
  static const std::set<std::string> kExtensions = {
      ".h", ".cc", ".inc", ".in", ".md", ".txt", ".json", ".sql", ".csv", ".cmake", ".yml", ""};
  return kExtensions.contains(path.extension().string());
}

std::vector<TextFile> ReadTree() {
  std::vector<TextFile> files;
  for (auto it = fs::recursive_directory_iterator(kRoot); it != fs::end(it); ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory() && (name == ".git" || name == "node_modules" || name == ".cache" ||
                               it->path() == kRoot / "build")) {
      it.disable_recursion_pending();
    }
    if (!it->is_regular_file() || !IsText(it->path()) || name == ".git") continue;
    std::ifstream in(it->path(), std::ios::binary);
    files.push_back({fs::relative(it->path(), kRoot).generic_string(),
                     {std::istreambuf_iterator<char>(in), {}}});
  }
  std::sort(files.begin(), files.end(),
            [](const TextFile& a, const TextFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace

const std::vector<TextFile>& Tree() {
  static const std::vector<TextFile> kFiles = ReadTree();
  return kFiles;
}

bool Exists(const std::string& path) { return fs::exists((kRoot / path).lexically_normal()); }

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace deepthin::house

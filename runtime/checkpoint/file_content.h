// A whole file in memory, read-only.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace deepthin::runtime {

// The bytes stay while a copy of `owner` does.
struct FileContent {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

[[nodiscard]] inline std::string_view TextOf(const FileContent& file) {
  return {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()};
}

enum class FileAccess {
  // Where the system caches the file: no copy. It lies in pages of 4 KiB, anywhere in memory. A
  // file that is cut short by someone else meanwhile ends the process (SIGBUS).
  kMap,
  // A copy on huge pages, where the system has them and memory for it; else as kMap. From such
  // pages a core reads faster (docs/benchmarks.md), which pays where the bytes are read often.
  kCopyToHugePages,
};

// Throws InputError where the path is no regular file that can be read. An empty file has no bytes.
[[nodiscard]] FileContent OpenFile(const std::string& path, FileAccess access);
[[nodiscard]] inline FileContent MapFile(const std::string& path) {
  return OpenFile(path, FileAccess::kMap);
}

}  // namespace deepthin::runtime

// A whole file in memory, read-only, without a copy.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace deepthin::runtime {

// A view that shares ownership of the mapping: the bytes stay while a copy of `owner` does. A file
// that is cut short by someone else meanwhile ends the process (SIGBUS), as with every mapping.
struct MappedFile {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

[[nodiscard]] inline std::string_view TextOf(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()};
}

// Throws InputError where the path is no regular file that can be read. An empty file has no bytes.
[[nodiscard]] MappedFile MapFile(const std::string& path);

}  // namespace deepthin::runtime

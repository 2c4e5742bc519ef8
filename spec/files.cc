#include "spec/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "spec/errors.h"

namespace deepthin {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

}  // namespace

std::string ReadFile(const std::string& path) {
  std::error_code ignored;
  const File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr || std::filesystem::is_directory(path, ignored)) {
    const std::string reason = file == nullptr ? std::strerror(errno) : "is a directory";
    throw InputError({path, ""}, "cannot be read (" + reason + ")", "a readable file");
  }
  std::string content;
  char buffer[1 << 16];
  while (const size_t n = std::fread(buffer, 1, sizeof(buffer), file.get())) {
    content.append(buffer, n);
  }
  if (std::ferror(file.get()) != 0) {
    throw InputError({path, ""}, "cannot be read to its end", "a readable file");
  }
  return content;
}

void WriteFileAtomically(const std::string& path, std::string_view content) {
  WriteFileAtomically(path, std::span(&content, 1));
}

void WriteFileAtomically(const std::string& path, std::span<const std::string_view> pieces) {
  const std::string beside = path + ".new." + std::to_string(::getpid());
  const auto fail = [&]() -> EnvironmentError {
    const std::string reason = std::strerror(errno);
    std::remove(beside.c_str());
    return EnvironmentError(path + ": cannot be written (" + reason + ")");
  };
  File file(std::fopen(beside.c_str(), "wb"));
  if (file == nullptr) throw fail();
  for (const std::string_view piece : pieces) {
    if (std::fwrite(piece.data(), 1, piece.size(), file.get()) != piece.size()) throw fail();
  }
  if (std::fflush(file.get()) != 0 || ::fsync(::fileno(file.get())) != 0) throw fail();
  if (std::fclose(file.release()) != 0) throw fail();
  if (std::rename(beside.c_str(), path.c_str()) != 0) throw fail();
}

}  // namespace deepthin

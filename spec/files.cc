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

constexpr size_t kMostBytes = size_t{1} << 30;

EnvironmentError CannotWrite(const std::string& path, int error) {
  return EnvironmentError(path + ": cannot be written (" + std::strerror(error) + ")");
}

// What a rename has to replace: not the link, but what it leads to.
std::string BehindLinks(const std::string& path) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(path, error);
  return error ? path : target.string();
}

// Throws before anything is left open.
void WriteAll(File file, const std::string& path, std::span<const std::string_view> pieces) {
  if (file == nullptr) throw CannotWrite(path, errno);
  for (const std::string_view piece : pieces) {
    if (std::fwrite(piece.data(), 1, piece.size(), file.get()) != piece.size())
      throw CannotWrite(path, errno);
  }
  if (std::fflush(file.get()) != 0) throw CannotWrite(path, errno);
  // Pipes and devices have nothing to be kept.
  if (::fsync(::fileno(file.get())) != 0 && errno != EINVAL && errno != EROFS)
    throw CannotWrite(path, errno);
  if (std::fclose(file.release()) != 0) throw CannotWrite(path, errno);
}

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
    if (content.size() > kMostBytes)
      throw InputError({path, ""}, "goes on for more than 1 GiB", "a file of at most that size");
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
  std::error_code ignored;
  const auto kind = std::filesystem::status(path, ignored).type();
  if (kind == std::filesystem::file_type::directory) throw CannotWrite(path, EISDIR);
  const bool is_replaced =
      kind == std::filesystem::file_type::regular || kind == std::filesystem::file_type::not_found;
  if (!is_replaced) {
    WriteAll(File(std::fopen(path.c_str(), "wb")), path, pieces);
    return;
  }
  const std::string target = BehindLinks(path);
  const std::string beside = target + ".new." + std::to_string(::getpid());
  try {
    WriteAll(File(std::fopen(beside.c_str(), "wb")), path, pieces);
    if (std::rename(beside.c_str(), target.c_str()) != 0) throw CannotWrite(path, errno);
  } catch (const EnvironmentError&) {
    std::remove(beside.c_str());
    throw;
  }
}

void RequireWritable(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path target(path);
  if (std::filesystem::is_directory(target, ignored)) throw CannotWrite(path, EISDIR);
  if (std::filesystem::exists(target, ignored) &&
      !std::filesystem::is_regular_file(target, ignored))
    return;
  const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : ".";
  if (::access(folder.c_str(), W_OK) != 0) throw CannotWrite(path, errno);
}

}  // namespace deepthin

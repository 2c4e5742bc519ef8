#include "runtime/checkpoint/file_content.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/memory.h"
#include "spec/errors.h"
#include "spec/units.h"

namespace deepthin::runtime {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

struct Unmap {
  size_t size;
  void operator()(void* address) const { ::munmap(address, size); }
};

InputError Unreadable(const std::string& path, const std::string& reason) {
  return {{path, ""}, "cannot be read (" + reason + ")", "a readable file"};
}

FileContent Map(const std::string& path, int fd, size_t size) {
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (address == MAP_FAILED) throw Unreadable(path, std::strerror(errno));
  std::shared_ptr<void> owner(address, Unmap{size});
  return {{static_cast<const std::byte*>(address), size}, std::move(owner)};
}

FileContent Copy(const std::string& path, int fd, size_t size) {
  const std::shared_ptr<float> owner =
      AllocateFloats(static_cast<int64_t>(size / sizeof(float) + 1), path);
  auto* const bytes = reinterpret_cast<std::byte*>(owner.get());
  for (size_t done = 0; done < size;) {
    const ssize_t n = ::pread(fd, bytes + done, size - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Unreadable(path, std::strerror(errno));
    if (n == 0) throw Unreadable(path, fmt::format("it was cut to {} bytes meanwhile", done));
    done += static_cast<size_t>(n);
  }
  return {{bytes, size}, owner};
}

}  // namespace

FileContent OpenFile(const std::string& path, FileAccess access) {
  // Not blocking: opening a named pipe would wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw Unreadable(path, std::strerror(errno));
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) throw Unreadable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw Unreadable(path, "is not a regular file");
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return {};
  const bool copies =
      access == FileAccess::kCopyToHugePages && HasHugePagesFor(Bytes(status.st_size));
  return copies ? Copy(path, file.get(), size) : Map(path, file.get(), size);
}

}  // namespace deepthin::runtime

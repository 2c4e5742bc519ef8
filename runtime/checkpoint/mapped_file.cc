#include "runtime/checkpoint/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "spec/errors.h"

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

}  // namespace

MappedFile MapFile(const std::string& path) {
  const auto fail = [&path](const std::string& reason) -> InputError {
    return {{path, ""}, "cannot be read (" + reason + ")", "a readable file"};
  };
  // Not blocking: opening a named pipe would wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw fail(std::strerror(errno));
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) throw fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw fail("is not a regular file");
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return {};
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) throw fail(std::strerror(errno));
  std::shared_ptr<void> owner(address, Unmap{size});
  return {{static_cast<const std::byte*>(address), size}, std::move(owner)};
}

}  // namespace deepthin::runtime

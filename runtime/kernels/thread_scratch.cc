#include "runtime/kernels/thread_scratch.h"

#include <array>
#include <memory>

namespace deepthin::runtime {
namespace {

constexpr int64_t kAlignment = 64;

struct Buffer {
  int64_t bytes = 0;
  std::unique_ptr<std::byte[]> allocated;
};

}  // namespace

std::byte* ThreadScratchBytes(ScratchUse use, int64_t bytes) {
  thread_local std::array<Buffer, static_cast<size_t>(ScratchUse::kCount)> buffers;
  Buffer& buffer = buffers[static_cast<size_t>(use)];
  if (buffer.bytes < bytes) {
    buffer.allocated =
        std::make_unique_for_overwrite<std::byte[]>(static_cast<size_t>(bytes + kAlignment));
    buffer.bytes = bytes;
  }
  const auto address = reinterpret_cast<uintptr_t>(buffer.allocated.get());
  return buffer.allocated.get() + (kAlignment - address % kAlignment) % kAlignment;
}

}  // namespace deepthin::runtime

#include "runtime/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <new>
#include <sstream>
#include <string>

#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

constexpr std::align_val_t kAlignment{64};
// From here on memory is mapped, and how much there is is looked up first (some 30 us).
constexpr int64_t kLargeBytes = 1 << 22;

// The number behind a key of a file of lines "key: 12 kB", as /proc/meminfo is.
std::optional<int64_t> KibIn(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    int64_t kib = 0;
    std::istringstream number(line.substr(key.size()));
    if (number >> kib) return kib;
  }
  return std::nullopt;
}

// A file that holds one number; absent for "max" too.
std::optional<int64_t> NumberIn(const std::string& path) {
  std::ifstream file(path);
  int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

EnvironmentError NotEnough(Bytes needed, std::string_view what, const std::string& found) {
  return EnvironmentError(
      fmt::format("{}: needs {:.1f} MiB of memory, but {}", what, ToMiB(needed), found));
}

struct Unmap {
  size_t bytes;
  void operator()(float* data) const { ::munmap(data, bytes); }
};

struct Delete {
  void operator()(float* data) const { ::operator delete(data, kAlignment); }
};

}  // namespace

std::optional<Bytes> AvailableMemory() {
  std::optional<int64_t> available = KibIn("/proc/meminfo", "MemAvailable:");
  if (available) *available *= 1024;
  // Control groups, version 2: as a container sees its own.
  const auto limit = NumberIn("/sys/fs/cgroup/memory.max");
  const auto used = NumberIn("/sys/fs/cgroup/memory.current");
  if (limit && used) {
    const int64_t left = std::max<int64_t>(*limit - *used, 0);
    available = available ? std::min(*available, left) : left;
  }
  if (!available) return std::nullopt;
  return Bytes(*available);
}

Bytes LastLevelCache() {
  // "32768K"; sysconf(3) sums up the caches of all cores on some processors.
  Bytes last(0);
  for (int i = 0; i < 10; ++i) {
    const auto kib = NumberIn(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", i));
    if (!kib) break;
    last = std::max(last, KiB(*kib));
  }
  return last;
}

std::optional<Bytes> PeakMemory() {
  const auto kib = KibIn("/proc/self/status", "VmHWM:");
  if (!kib || *kib > std::numeric_limits<int64_t>::max() / 1024) return std::nullopt;
  return KiB(*kib);
}

// 5 resets the peak (proc(5), since Linux 4.0).
void RestartPeakMemory() { std::ofstream("/proc/self/clear_refs") << 5; }

void RequireMemory(Bytes needed, std::string_view what) {
  if (needed < Bytes(kLargeBytes)) return;
  const auto available = AvailableMemory();
  if (available && *available < needed) {
    throw NotEnough(needed, what, fmt::format("only {:.1f} MiB are available", ToMiB(*available)));
  }
}

bool HasHugePagesFor(Bytes bytes) {
  if (bytes < Bytes(kLargeBytes)) return false;
  const auto available = AvailableMemory();
  if (!available || *available / 2 < bytes) return false;
  // The choice in use stands in brackets: "always [madvise] never".
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string choices;
  std::getline(file, choices);
  return choices.find("[always]") != std::string::npos ||
         choices.find("[madvise]") != std::string::npos;
}

std::shared_ptr<float> AllocateFloats(int64_t count, std::string_view what) {
  DEEPTHIN_CHECK(count >= 0);
  if (count > std::numeric_limits<int64_t>::max() / 8) {
    throw EnvironmentError(fmt::format("{}: needs more memory than can be addressed", what));
  }
  const Bytes needed(count * static_cast<int64_t>(sizeof(float)));
  const auto bytes = static_cast<size_t>(needed.value());
  RequireMemory(needed, what);
  if (needed < Bytes(kLargeBytes)) {
    void* data = ::operator new(bytes, kAlignment, std::nothrow);
    if (data == nullptr) throw NotEnough(needed, what, "the system refuses it");
    std::shared_ptr<float> owner(static_cast<float*>(data), Delete());
    std::fill_n(owner.get(), count, 0.0F);
    return owner;
  }
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw NotEnough(needed, what, "the system refuses it");
  ::madvise(data, bytes, MADV_HUGEPAGE);  // only a wish: smaller pages work too
  return {static_cast<float*>(data), Unmap{bytes}};
}

}  // namespace deepthin::runtime

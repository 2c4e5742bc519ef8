#include "runtime/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>

#include "spec/errors.h"
#include "tests/runtime/error_text.h"

namespace deepthin::runtime {
namespace {

TEST(Memory, FloatsAreAlignedZeros) {
  for (const int64_t count : {int64_t{1}, int64_t{1000}, int64_t{3} << 20}) {
    const auto floats = AllocateFloats(count, "a test");
    EXPECT_EQ(reinterpret_cast<uintptr_t>(floats.get()) % 64, 0U);
    EXPECT_EQ(floats.get()[0], 0.0F);
    EXPECT_EQ(floats.get()[count - 1], 0.0F);
    floats.get()[count - 1] = 1.0F;
  }
  EXPECT_NO_THROW(AllocateFloats(0, "nothing"));
}

TEST(Memory, AvailableIsWhatCanBeRequired) {
  const auto available = AvailableMemory();
  if (!available) GTEST_SKIP() << "the system does not say how much memory is available";
  EXPECT_GT(*available, MiB(1));
  EXPECT_NO_THROW(RequireMemory(Bytes(available->value() / 2), "half of it"));
  const std::string text =
      ErrorText<EnvironmentError>([&] { RequireMemory(*available * 4, "four times that"); });
  EXPECT_THAT(text, ::testing::ContainsRegex("four times that: needs [0-9.]+ MiB of memory, but "
                                             "only [0-9.]+ MiB are available"));
}

// Not of all cores together, as sysconf(3) says on some processors: no model of that size stays.
TEST(Memory, TheLastLevelCacheIsTheLargestOfACore) {
  const std::filesystem::path caches = "/sys/devices/system/cpu/cpu0/cache";
  if (!std::filesystem::exists(caches / "index0" / "size")) GTEST_SKIP() << "the system is silent";
  int64_t largest_kib = 0;
  for (const auto& entry : std::filesystem::directory_iterator(caches)) {
    int64_t kib = 0;
    if (std::ifstream(entry.path() / "size") >> kib) largest_kib = std::max(largest_kib, kib);
  }
  EXPECT_EQ(LastLevelCache(), KiB(largest_kib));
}

TEST(Memory, AbsurdSizesAreSentencesNotCrashes) {
  for (const int64_t count :
       {int64_t{1} << 50, int64_t{1} << 61, std::numeric_limits<int64_t>::max()}) {
    EXPECT_NE(
        ErrorText<EnvironmentError>([&] { static_cast<void>(AllocateFloats(count, "too much")); }),
        "");
  }
}

}  // namespace
}  // namespace deepthin::runtime

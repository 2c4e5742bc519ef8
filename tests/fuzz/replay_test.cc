// Every file that a fuzzer found worth keeping, under every build. ./dev fuzz looks for more.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "spec/files.h"
#include "tests/fuzz/targets.h"

namespace deepthin::fuzz {
namespace {

TEST(FuzzCorpus, IsReadOrRefused) {
  for (const Target& target : Targets()) {
    const std::string folder = DEEPTHIN_SOURCE_DIR "/tests/fuzz/corpus/" + std::string(target.name);
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      SCOPED_TRACE(entry.path().string());
      const std::string content = ReadFile(entry.path().string());
      target.run({reinterpret_cast<const uint8_t*>(content.data()), content.size()});
      ++files;
    }
    EXPECT_GT(files, 0) << folder;
  }
}

}  // namespace
}  // namespace deepthin::fuzz

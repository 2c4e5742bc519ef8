#include "runtime/checkpoint/file_content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "runtime/memory.h"
#include "spec/errors.h"
#include "tests/runtime/error_text.h"

namespace deepthin::runtime {
namespace {

class FileContentTest : public ::testing::TestWithParam<FileAccess> {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "content.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

// Small ones, and ones that are large enough for huge pages and end within one.
TEST_P(FileContentTest, IsTheFile) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{4097}, (size_t{6} << 20) + 12'345}) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2'654'435'761U) >> 13);
    const std::string path = (folder_ / "file").string();
    std::ofstream(path, std::ios::binary) << text;
    const FileContent content = OpenFile(path, GetParam());
    EXPECT_TRUE(TextOf(content) == text) << size;
    std::filesystem::remove(path);  // what was opened stays
    EXPECT_TRUE(TextOf(content) == text) << size;
  }
}

TEST_P(FileContentTest, RefusesWhatIsNoFile) {
  const auto error = [&](const std::string& path) {
    return ErrorText<InputError>([&] { static_cast<void>(OpenFile(path, GetParam())); });
  };
  EXPECT_THAT(error(folder_.string()), testing::HasSubstr("is not a regular file"));
  EXPECT_THAT(error((folder_ / "none").string()), testing::HasSubstr("No such file"));
}

INSTANTIATE_TEST_SUITE_P(Both, FileContentTest,
                         testing::Values(FileAccess::kMap, FileAccess::kCopyToHugePages),
                         [](const auto& each) {
                           return each.param == FileAccess::kMap ? "Mapped" : "Copied";
                         });

// Executing a copy must not be undone by someone who writes into the file; where the system has no
// huge pages, it is mapped, and nothing is promised.
TEST(CopyToHugePages, IsACopy) {
  constexpr size_t kSize = size_t{5} << 20;
  if (!HasHugePagesFor(Bytes(kSize))) GTEST_SKIP() << "the system has no huge pages";
  std::string path = (std::filesystem::temp_directory_path() / "copy.XXXXXX").string();
  ::close(::mkstemp(path.data()));
  std::ofstream(path, std::ios::binary) << std::string(kSize, 'a');
  const FileContent content = OpenFile(path, FileAccess::kCopyToHugePages);
  std::ofstream(path, std::ios::binary | std::ios::in) << "changed";
  EXPECT_EQ(TextOf(content).substr(0, 7), "aaaaaaa");
  std::filesystem::remove(path);
}

TEST(HasHugePages, OnlyForWhatIsLargeAndLeavesMemory) {
  // "always [madvise] never": what is in brackets is in use.
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string choices;
  const bool is_on = std::getline(file, choices) && choices.find("[never]") == std::string::npos;
  const auto memory = AvailableMemory();
  EXPECT_EQ(HasHugePagesFor(MiB(8)), is_on && memory && *memory >= MiB(16));
  EXPECT_FALSE(HasHugePagesFor(KiB(4)));
  if (memory) {
    EXPECT_FALSE(HasHugePagesFor(*memory));
  }
}

}  // namespace
}  // namespace deepthin::runtime

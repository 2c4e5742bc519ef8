#include "spec/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "spec/errors.h"
#include "tests/spec/input_error_of.h"

namespace deepthin {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class FilesTest : public testing::Test {
 protected:
  FilesTest() { std::filesystem::create_directories(folder_); }
  ~FilesTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] size_t Files() const {
    size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++n;
    return n;
  }

 private:
  const std::string folder_ = testing::TempDir() + "files_test." + std::to_string(::getpid());
};

std::string EnvironmentErrorOf(const std::string& path, std::string_view content) {
  try {
    WriteFileAtomically(path, content);
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  return "";
}

TEST_F(FilesTest, AnyBytesComeBack) {
  std::string bytes;
  for (int i = 0; i < 300'000; ++i) bytes += static_cast<char>(i * 7);
  for (const std::string& content : {bytes, std::string(), std::string("\0\n\r\n", 4)}) {
    WriteFileAtomically(Path("f"), content);
    EXPECT_EQ(ReadFile(Path("f")), content);
  }
  EXPECT_EQ(Files(), 1u);
}

TEST_F(FilesTest, ReadingSaysWhy) {
  EXPECT_EQ(InputErrorOf([&] { return ReadFile(Path("absent")); }),
            Path("absent") +
                ": cannot be read (No such file or directory); expected a readable "
                "file");
  EXPECT_EQ(InputErrorOf([&] { return ReadFile(Path("")); }),
            Path("") + ": cannot be read (is a directory); expected a readable file");
}

TEST_F(FilesTest, WritingSaysWhyAndLeavesNothingBehind) {
  EXPECT_THAT(EnvironmentErrorOf(Path("no/such/folder"), "x"),
              AllOf(StartsWith(Path("no/such/folder")), HasSubstr("cannot be written (No such")));
  std::filesystem::create_directories(Path("folder/inside"));
  EXPECT_THAT(EnvironmentErrorOf(Path("folder"), "x"), HasSubstr("cannot be written (Is a direct"));
  EXPECT_EQ(Files(), 1u);
}

// In a child process, since the limit holds for all that the process writes.
TEST_F(FilesTest, FullDiskLeavesTheOldFileWhole) {
  WriteFileAtomically(Path("f"), "old");
  const pid_t child = ::fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 8'192, .rlim_max = 8'192};
    const bool limited = ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
    const std::string sentence = EnvironmentErrorOf(Path("f"), std::string(100'000, 'n'));
    const bool said = sentence.find("cannot be written (File too large)") != std::string::npos;
    ::_exit(limited && said ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ReadFile(Path("f")), "old");
  EXPECT_EQ(Files(), 1u);
}

}  // namespace
}  // namespace deepthin

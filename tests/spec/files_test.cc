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

// Renaming over a device would put a file in its place, for everybody.
TEST_F(FilesTest, ADeviceIsWrittenToAndStays) {
  std::filesystem::create_symlink("/dev/full", Path("full"));
  EXPECT_THAT(EnvironmentErrorOf(Path("full"), "x"),
              Path("full") + ": cannot be written (No space left on device)");
  EXPECT_TRUE(std::filesystem::is_character_file(Path("full")));
  std::filesystem::create_symlink("/dev/null", Path("null"));
  WriteFileAtomically(Path("null"), "x");
  EXPECT_TRUE(std::filesystem::is_character_file(Path("null")));
  EXPECT_EQ(Files(), 2u);
}

TEST_F(FilesTest, ALinkStaysAndWhatItLeadsToIsReplaced) {
  WriteFileAtomically(Path("f"), "old");
  std::filesystem::create_symlink("f", Path("link"));
  WriteFileAtomically(Path("link"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(Path("link")));
  EXPECT_EQ(ReadFile(Path("f")), "new");
  EXPECT_EQ(Files(), 2u);
}

TEST_F(FilesTest, WhatCannotBeWrittenIsKnownBefore) {
  const auto error_of = [](const std::string& path) -> std::string {
    try {
      RequireWritable(path);
    } catch (const EnvironmentError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of(Path("f")), "");
  EXPECT_EQ(error_of("f-beside"), "");
  EXPECT_EQ(error_of("/dev/null"), "");
  EXPECT_EQ(error_of(Path(".")), Path(".") + ": cannot be written (Is a directory)");
  EXPECT_EQ(error_of(Path("no/f")),
            Path("no/f") + ": cannot be written (No such file or directory)");
  EXPECT_EQ(Files(), 0u);
}

TEST_F(FilesTest, ReadingEndsWhereTheFileDoesNot) {
  EXPECT_EQ(InputErrorOf([&] { return ReadFile("/dev/zero"); }),
            "/dev/zero: goes on for more than 1 GiB; expected a file of at most that size");
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

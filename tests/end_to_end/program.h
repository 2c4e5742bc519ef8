// Runs the real program, as a user does.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace deepthin {

struct ProgramResult {
  int exit_code = 0;  // 128 + signal where it was killed
  std::string out;
  std::string err;
};

// stdout_path: where standard output goes instead of `out` ("/dev/full").
[[nodiscard]] ProgramResult RunProgram(const std::vector<std::string>& arguments,
                                       const std::string& stdout_path = {});

// Starts it with both outputs thrown away.
[[nodiscard]] pid_t StartProgram(const std::vector<std::string>& arguments);

// A folder that is removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string File(const std::string& name) const { return path_ / name; }
  // Writes the file and returns its path.
  [[nodiscard]] std::string Write(const std::string& name, const std::string& content) const;
  // Names of the files in it, sorted.
  [[nodiscard]] std::vector<std::string> List() const;

 private:
  std::filesystem::path path_;
};

// A model small enough to be executed in milliseconds.
inline const std::string kTinyModel =
    "mobilellm-125m:n_blocks=2,d_model=32,n_heads=4,n_kv_heads=2,head_dim=8,d_ff=48,vocab_size=300";

}  // namespace deepthin

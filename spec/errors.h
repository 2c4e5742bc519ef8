// The two errors that reach a user, and the check for our own bugs.
//
// InputError: something the user gave is wrong (exit code 2). EnvironmentError: the machine refused
// (disk full, read-only path; exit code 1). An infeasible design is neither: it is a value
// (results/record/trial.h).
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace deepthin {

// One sentence that names the file, the place in it, what was found and what was expected.
class InputError : public std::runtime_error {
 public:
  struct Where {
    std::string file;   // or "command line"; may be empty where the caller knows no file
    std::string place;  // JSON path, line, byte offset, option; may be empty
  };

  InputError(Where where, const std::string& found, const std::string& expected)
      : std::runtime_error(Sentence(where, found, expected)), where_(std::move(where)) {}

  [[nodiscard]] const Where& where() const { return where_; }

  // The same sentence, behind the place of a larger file from which the other was named.
  [[nodiscard]] InputError In(Where outer) const { return {std::move(outer), what(), ""}; }

 private:
  static std::string Sentence(const Where& where, const std::string& found,
                              const std::string& expected) {
    std::string text = where.file;
    if (!where.place.empty()) text += (text.empty() ? "" : ": ") + where.place;
    if (!text.empty()) text += ": ";
    text += found;
    if (!expected.empty()) text += "; expected " + expected;
    for (char& c : text) {  // what a file says must not break lines or reach a terminal as commands
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return text;
  }

  Where where_;
};

class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A broken promise inside the program. User input must never reach it.
[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error: %s does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace deepthin

#define DEEPTHIN_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::deepthin::CheckFailed(#condition, __FILE__, __LINE__))

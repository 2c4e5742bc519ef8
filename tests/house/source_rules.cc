#include "tests/house/source_rules.h"

#include <array>
#include <regex>

namespace deepthin::house {
namespace {

constexpr size_t kMaxLines = 400;

// In any file but documents, which may speak of them, and this folder, which has to.
struct Forbidden {
  std::string text;
  std::string reason;
};

const std::vector<Forbidden>& ForbiddenTexts() {
  static const std::vector<Forbidden> forbidden = {
      {"march=native", "a measurement has to mean the same on every machine"},
      {"ffast-math", "it changes what the numbers mean"},
      {"TODO", "unfinished work has an issue"},
      {"FIXME", "unfinished work has an issue"},
      {"XXX:", "unfinished work has an issue"},
      {", DISABLED_", "a test runs or is removed"},
  };
  return forbidden;
}

bool Matches(const std::string& text, const char* expression) {
  return std::regex_match(text, std::regex(expression));
}

}  // namespace

std::vector<std::string> SourceErrors(const std::vector<TextFile>& files) {
  std::vector<std::string> errors;
  for (const TextFile& file : files) {
    const bool is_code = Matches(file.path, R"((.*\.(h|cc|inc|in|cmake|sql|txt)|dev|\.ci/run))");
    const bool is_book = file.path.starts_with("data/");  // text to train with
    if (!is_code || is_book || file.path.starts_with("tests/house/")) continue;
    const std::vector<std::string> lines = Lines(file.text);
    if (lines.size() > kMaxLines) {
      errors.push_back(file.path + " has " + std::to_string(lines.size()) + " lines; at most " +
                       std::to_string(kMaxLines));
    }
    for (size_t i = 0; i < lines.size(); ++i) {
      for (const Forbidden& forbidden : ForbiddenTexts()) {
        if (lines[i].find(forbidden.text) == std::string::npos) continue;
        errors.push_back(file.path + ":" + std::to_string(i + 1) + " says " + forbidden.text +
                         "; " + forbidden.reason);
      }
    }
    if (file.path.ends_with(".h") && !file.path.ends_with("-inl.h") &&
        file.text.find("#pragma once") == std::string::npos) {
      errors.push_back(file.path + " lacks #pragma once");
    }
  }
  return errors;
}

}  // namespace deepthin::house

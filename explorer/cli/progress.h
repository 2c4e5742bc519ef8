// Progress of long work on stderr: one line that is redrawn on a terminal, plain lines when piped.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "spec/units.h"

namespace deepthin::explorer {

// Time since construction, and what is left at the pace so far.
class Stopwatch {
 public:
  [[nodiscard]] Seconds elapsed() const;
  [[nodiscard]] std::optional<Seconds> Eta(int64_t done, int64_t total) const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // rate_unit: what is counted ("trials"); eta is absent while unknown.
  void Show(int64_t done, int64_t total, const std::string& rate_unit, Seconds elapsed,
            std::optional<Seconds> eta, const std::string& what);
  // Ends the line, so that other output starts on a fresh one.
  void Finish();

 private:
  bool is_terminal_;
  bool is_open_ = false;
  int64_t first_done_ = -1;
  std::chrono::steady_clock::time_point last_shown_;
};

}  // namespace deepthin::explorer

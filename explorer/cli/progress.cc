#include "explorer/cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "explorer/cli/human.h"

namespace deepthin::explorer {
namespace {

constexpr auto kRedrawInterval = std::chrono::milliseconds(50);
constexpr auto kPlainInterval = std::chrono::seconds(2);
constexpr int64_t kBarWidth = 20;

size_t TerminalWidth() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 100;
}

std::string Bar(int64_t done, int64_t total) {
  const int64_t filled = total > 0 ? kBarWidth * done / total : 0;
  return std::string(static_cast<size_t>(filled), '#') +
         std::string(static_cast<size_t>(kBarWidth - filled), '.');
}

}  // namespace

Seconds Stopwatch::elapsed() const {
  return Seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count());
}

std::optional<Seconds> Stopwatch::Eta(int64_t done, int64_t total) const {
  if (done <= 0) return std::nullopt;
  return elapsed() * (static_cast<double>(total - done) / static_cast<double>(done));
}

ProgressLine::ProgressLine() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}
ProgressLine::~ProgressLine() { Finish(); }

void ProgressLine::Show(int64_t done, int64_t total, const std::string& rate_unit, Seconds elapsed,
                        std::optional<Seconds> eta, const std::string& what) {
  if (first_done_ < 0) first_done_ = done;
  const auto now = std::chrono::steady_clock::now();
  const auto interval = is_terminal_ ? std::chrono::nanoseconds(kRedrawInterval)
                                     : std::chrono::nanoseconds(kPlainInterval);
  const bool is_due = now - last_shown_ >= interval || done == total;
  if (!is_due) return;
  last_shown_ = now;
  std::string text = fmt::format("{}/{}", done, total);
  if (const int64_t fresh = done - first_done_; fresh > 0 && elapsed > Seconds(0))
    text += fmt::format("  {} {}/s", HumanRate(static_cast<double>(fresh) / elapsed.value()),
                        rate_unit);
  if (done < total) text += "  ETA " + (eta ? HumanClock(*eta) : std::string("?"));
  if (!what.empty()) text += "  " + what;
  if (!is_terminal_) {
    fmt::print(stderr, "{}\n", text);
    return;
  }
  text = "[" + Bar(done, total) + "] " + text;
  text.resize(std::min(text.size(), TerminalWidth() - 1));
  fmt::print(stderr, "\r\x1b[K{}", text);
  std::fflush(stderr);
  is_open_ = true;
}

void ProgressLine::Finish() {
  if (is_open_) fmt::print(stderr, "\n");
  is_open_ = false;
}

}  // namespace deepthin::explorer

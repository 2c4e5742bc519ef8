// LruMemory: one on-chip level of the trace simulation, line by line. Knows nothing of operators,
// and nothing of stack distances: tests hold the closed form against it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace deepthin::costmodel {

// Lines are numbered from 0 below a bound that is known from the start, so that every operation
// takes constant time. A line belongs to the set (line modulo sets); each set keeps the lines that
// were touched last.
class LruMemory {
 public:
  struct Shape {
    int64_t lines = 0;  // that it holds; rounded down to whole sets
    int64_t ways = 0;   // lines in a set; 0: one set of all lines (fully associative)
  };
  struct Victim {
    int64_t line = 0;
    bool dirty = false;
  };

  LruMemory(int64_t line_bound, Shape shape);

  [[nodiscard]] bool Holds(int64_t line) const { return State(line) != kAbsent; }
  // The line becomes the latest of its set, and dirty if asked. REQUIRES: Holds(line).
  void Renew(int64_t line, bool dirty);
  // Puts a line in; what it drives out, if anything. A memory without room drives out the line
  // itself. REQUIRES: !Holds(line).
  [[nodiscard]] std::optional<Victim> Insert(int64_t line, bool dirty);

  [[nodiscard]] int64_t sets() const { return static_cast<int64_t>(sets_.size()); }

 private:
  enum : uint8_t { kAbsent, kClean, kDirty };
  static constexpr int32_t kNone = -1;
  struct Set {
    int32_t latest = kNone;
    int32_t oldest = kNone;
    int64_t held = 0;
  };
  struct Links {
    int32_t later = kNone;
    int32_t earlier = kNone;
  };

  [[nodiscard]] uint8_t State(int64_t line) const { return states_[static_cast<size_t>(line)]; }
  [[nodiscard]] Links& At(int32_t line) { return links_[static_cast<size_t>(line)]; }
  [[nodiscard]] Set& SetOf(int64_t line) { return sets_[static_cast<size_t>(line) % sets_.size()]; }
  void Unlink(Set& set, int32_t line);
  void PutFirst(Set& set, int32_t line);

  int64_t ways_;
  std::vector<Set> sets_;
  std::vector<Links> links_;     // [lines]
  std::vector<uint8_t> states_;  // [lines]
};

}  // namespace deepthin::costmodel

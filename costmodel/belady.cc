#include "costmodel/belady.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <vector>

namespace deepthin::costmodel {
namespace {

constexpr size_t kNever = std::numeric_limits<size_t>::max();
// Runs after which a steady state that has not yet repeated itself is bounded instead. What a level
// held at the start can save each byte once, so that the bound is off by capacity / runs at most.
constexpr int64_t kMostRuns = 64;

// What an optimal level holds: bytes by object, and objects by when they are needed next.
class OptimalLevel {
 public:
  OptimalLevel(const AccessTrace& trace, Start start, Bytes capacity)
      : trace_(trace), capacity_(capacity), held_(trace.object_bytes.size()) {
    FindNextUses(start);
  }

  // One run over the trace: bytes from beyond.
  Bytes Run() {
    Bytes beyond(0);
    for (size_t i = 0; i < trace_.accesses.size(); ++i) {
      const Access& access = trace_.accesses[i];
      // A part comes from beyond where nobody has brought its object in.
      if (access.touch == Touch::kWhole) {
        beyond += access.bytes - TouchWhole(i);
      } else if (access.touch == Touch::kFlow || next_use_[i] == kNever) {
        beyond += access.bytes;
      }
    }
    now_ += trace_.accesses.size();
    return beyond;
  }

  [[nodiscard]] const std::vector<Bytes>& held() const { return held_; }

 private:
  // For a whole touch, how many accesses later the object is touched whole again; kNever if it is
  // not. For a touch of a part, 0 if the object was touched whole before, else kNever.
  void FindNextUses(Start start) {
    const size_t n = trace_.accesses.size();
    next_use_.assign(n, kNever);
    std::vector<size_t> later(trace_.object_bytes.size(), kNever);
    for (size_t k = start == Start::kSteady ? 2 * n : n; k > 0; --k) {
      const size_t i = k - 1;
      const Access& access = trace_.accesses[i % n];
      if (access.touch != Touch::kWhole) continue;
      size_t& next = later[static_cast<size_t>(access.object)];
      next_use_[i % n] = next == kNever ? kNever : next - i;
      next = i;
    }
    std::vector<bool> touched(trace_.object_bytes.size());
    for (size_t i = 0; i < n; ++i) {
      const Access& access = trace_.accesses[i];
      if (access.touch == Touch::kFlow) continue;
      const auto object = static_cast<size_t>(access.object);
      if (access.touch == Touch::kWhole) touched[object] = true;
      const bool before = touched[object] || (start == Start::kSteady && later[object] != kNever);
      if (access.touch == Touch::kPart && before) next_use_[i] = 0;
    }
  }

  // Bytes of the object that were held. Then holds what of it is worth holding.
  Bytes TouchWhole(size_t i) {
    const auto object = static_cast<size_t>(trace_.accesses[i].object);
    const Bytes hit = std::min(held_[object], trace_.accesses[i].bytes);
    used_ -= held_[object];
    held_[object] = Bytes(0);
    by_next_use_.erase(now_ + i);  // the key under which it was waiting for this access
    if (next_use_[i] == kNever) return hit;
    const size_t next = now_ + i + next_use_[i];
    held_[object] = trace_.accesses[i].bytes;
    used_ += held_[object];
    by_next_use_.emplace(next, object);
    while (used_ > capacity_) {
      const auto last = std::prev(by_next_use_.end());
      Bytes& victim = held_[last->second];
      const Bytes dropped = std::min(victim, used_ - capacity_);
      victim -= dropped;
      used_ -= dropped;
      if (victim == Bytes(0)) by_next_use_.erase(last);
    }
    return hit;
  }

  const AccessTrace& trace_;
  Bytes capacity_;
  std::vector<size_t> next_use_;
  std::vector<Bytes> held_;               // by object
  std::map<size_t, size_t> by_next_use_;  // objects held, by the access that needs them next
  Bytes used_;
  size_t now_ = 0;  // accesses before this run
};

}  // namespace

Bytes BeladyBound(const AccessTrace& trace, Start start, Bytes capacity) {
  OptimalLevel level(trace, start, std::max(Bytes(0), capacity));
  Bytes beyond = level.Run();
  if (start == Start::kCold) return beyond;
  // Equal contents at the ends of two runs: from there on the runs between repeat.
  std::vector<std::vector<Bytes>> contents = {level.held()};
  std::vector<Bytes> sums = {beyond};  // of all runs so far
  for (int64_t run = 1; run < kMostRuns; ++run) {
    sums.push_back(sums.back() + level.Run());
    const auto same = std::find(contents.begin(), contents.end(), level.held());
    if (same != contents.end()) {
      const auto before = static_cast<size_t>(same - contents.begin());
      return (sums.back() - sums[before]) / static_cast<int64_t>(sums.size() - 1 - before);
    }
    contents.push_back(level.held());
  }
  return std::max(Bytes(0), sums.back() - capacity) / kMostRuns;
}

}  // namespace deepthin::costmodel

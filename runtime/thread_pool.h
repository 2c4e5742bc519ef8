// ThreadPool: the threads that a decoder works with.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace deepthin::runtime {

// When each thread worked: the time of every range, in the order of the thread's own work. The
// caller of ForRanges is thread 0.
struct WorkLog {
  using Clock = std::chrono::steady_clock;
  struct Range {
    Clock::time_point begin;
    Clock::time_point end;
  };
  std::vector<std::vector<Range>> threads;
};

class ThreadPool {
 public:
  // With 1 thread everything runs on the calling thread. Throws InputError unless 1 <= threads <=
  // 1024, EnvironmentError where the system refuses so many.
  explicit ThreadPool(int64_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int64_t threads() const;

  // Calls body(begin, end) so that the ranges cover [0, n) once, each of at least `grain` (but the
  // last); returns when all are done. The ranges do not depend on timing. body must
  // neither throw nor call ForRanges. One loop at a time.
  void ForRanges(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

  // Later loops are recorded there, which takes two looks at the clock a range; null (as at first):
  // nowhere. The log gets as many threads as the pool, and outlives the loops.
  void set_work_log(WorkLog* log);

 private:
  struct Lane;
  struct State;
  std::unique_ptr<State> state_;  // null with one thread
  WorkLog* log_ = nullptr;
};

}  // namespace deepthin::runtime

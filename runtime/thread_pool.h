// ThreadPool: the threads that a decoder works with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace deepthin::runtime {

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

 private:
  struct Lane;
  struct State;
  std::unique_ptr<State> state_;  // null with one thread
};

}  // namespace deepthin::runtime

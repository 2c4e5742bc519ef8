// ThreadPool: the threads that a decoder works with (pthreadpool behind it).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

struct pthreadpool;

namespace deepthin::runtime {

class ThreadPool {
 public:
  // threads >= 1; with 1 everything runs on the calling thread.
  explicit ThreadPool(int64_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int64_t threads() const;

  // Calls body(begin, end) so that the ranges cover [0, n) once, each of at least `grain` (but the
  // last); returns when all are done. The ranges do not depend on timing. body must not throw.
  void ForRanges(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

 private:
  struct Destroy {
    void operator()(pthreadpool* pool) const;
  };
  std::unique_ptr<pthreadpool, Destroy> pool_;  // null with one thread
};

}  // namespace deepthin::runtime

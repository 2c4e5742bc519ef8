#include "runtime/thread_pool.h"

#include <pthreadpool.h>

#include <algorithm>
#include <string>

#include "spec/errors.h"

// ThreadSanitizer does not see the atomics of the installed libpthreadpool. We state what fork and
// join order, so that it still sees the races in our own code, and only those.
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define DEEPTHIN_TSAN_RELEASE(address) __tsan_release(address)
#define DEEPTHIN_TSAN_ACQUIRE(address) __tsan_acquire(address)
#else
#define DEEPTHIN_TSAN_RELEASE(address) static_cast<void>(address)
#define DEEPTHIN_TSAN_ACQUIRE(address) static_cast<void>(address)
#endif

namespace deepthin::runtime {
namespace {

// A thread that is slow to start, or shares its core, leaves ranges to the others.
constexpr int64_t kRangesPerThread = 4;
constexpr int64_t kMaxThreads = 1024;

struct Loop {
  const std::function<void(int64_t, int64_t)>* body;
  int64_t n;
  int64_t grain;
  int64_t grains;  // in n, the last one may be short
  int64_t ranges;
  char fork = 0;  // only the addresses of the two count: where the sanitizer keeps the order
  char join = 0;
};

void RunRange(void* context, size_t index) {
  auto* loop = static_cast<Loop*>(context);
  DEEPTHIN_TSAN_ACQUIRE(&loop->fork);
  const int64_t range = static_cast<int64_t>(index);
  const int64_t begin = range * loop->grains / loop->ranges * loop->grain;
  const int64_t end = (range + 1) * loop->grains / loop->ranges * loop->grain;
  (*loop->body)(begin, std::min(end, loop->n));
  DEEPTHIN_TSAN_RELEASE(&loop->join);
}

pthreadpool* Create(int64_t threads) {
  if (threads < 1 || threads > kMaxThreads) {
    throw InputError({"", "threads"}, "is " + std::to_string(threads),
                     "a whole number from 1 to " + std::to_string(kMaxThreads));
  }
  if (threads == 1) return nullptr;
  pthreadpool* pool = pthreadpool_create(static_cast<size_t>(threads));
  if (pool == nullptr) {
    throw EnvironmentError("cannot start " + std::to_string(threads) + " threads");
  }
  return pool;
}

}  // namespace

ThreadPool::ThreadPool(int64_t threads) : pool_(Create(threads)) {}
ThreadPool::~ThreadPool() = default;

void ThreadPool::Destroy::operator()(pthreadpool* pool) const { pthreadpool_destroy(pool); }

int64_t ThreadPool::threads() const {
  return pool_ == nullptr ? 1 : static_cast<int64_t>(pthreadpool_get_threads_count(pool_.get()));
}

void ThreadPool::ForRanges(int64_t n, int64_t grain,
                           const std::function<void(int64_t, int64_t)>& body) {
  DEEPTHIN_CHECK(n >= 0 && grain >= 1);
  if (n == 0) return;
  const int64_t grains = (n - 1) / grain + 1;
  const int64_t ranges = pool_ == nullptr ? 1 : std::min(grains, threads() * kRangesPerThread);
  if (ranges == 1) {
    body(0, n);
    return;
  }
  Loop loop{.body = &body, .n = n, .grain = grain, .grains = grains, .ranges = ranges};
  DEEPTHIN_TSAN_RELEASE(&loop.fork);
  pthreadpool_parallelize_1d(pool_.get(), &RunRange, &loop, static_cast<size_t>(ranges), 0);
  DEEPTHIN_TSAN_ACQUIRE(&loop.join);
}

}  // namespace deepthin::runtime

// Why not libpthreadpool or OpenMP: their join waits until every thread has looked in, also where
// there is nothing left to do. On a core that another process holds that takes until the scheduler
// lets the thread run: with two threads on two busy cores an empty loop took 11 ms on average with
// pthreadpool and 0.1 us here (Zen 4, two compilers running beside). Here the caller does whatever
// nobody else has taken, and waits only for ranges that somebody is really working on.
#include "runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// A thread that is slow to start, or shares its core, leaves ranges to the others.
constexpr int64_t kRangesPerThread = 4;
constexpr int64_t kMaxThreads = 1024;
// Looks before a waiting thread goes to sleep: some 50 us, longer than what lies between two loops
// of a decoder. Waking a sleeping thread takes 5-50 us.
constexpr int kSpins = 2000;
constexpr uint64_t kLeftMask = 0xffff'ffff;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Does one range, and says when in the log, if there is one.
template <class Body>
void DoLogged(WorkLog* log, size_t thread, const Body& body) {
  if (log == nullptr) {
    body();
    return;
  }
  const WorkLog::Clock::time_point begin = WorkLog::Clock::now();
  body();
  log->threads[thread].push_back({begin, WorkLog::Clock::now()});
}

}  // namespace

// The ranges of a loop that one thread takes first: the same part of every loop of the same size,
// so that what it has read stays in the caches of its core.
struct ThreadPool::Lane {
  // Number of the loop above, ranges that nobody has claimed yet below: the number keeps a thread
  // that was asleep for a whole loop from claiming in the next one what it saw in the last.
  alignas(64) std::atomic<uint64_t> claims{0};
  int64_t end = 0;  // of its ranges
};

struct ThreadPool::State {
  explicit State(int64_t threads) : lanes(static_cast<size_t>(threads)) {
    try {
      for (size_t i = 1; i < lanes.size(); ++i) workers.emplace_back([this, i] { Work(i); });
    } catch (const std::system_error&) {
      Stop();
      throw EnvironmentError("cannot start " + std::to_string(threads) + " threads");
    }
  }
  ~State() { Stop(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void Stop() {
    stopping.store(true, std::memory_order_relaxed);
    Wake();
    for (std::thread& worker : workers) worker.join();
  }

  void Wake() {
    loops_begun.fetch_add(1, std::memory_order_release);
    loops_begun.notify_all();
  }

  void Run(const std::function<void(int64_t)>& do_range, int64_t ranges, WorkLog* work_log) {
    range_body = &do_range;
    log = work_log;
    unfinished.store(static_cast<int32_t>(ranges), std::memory_order_relaxed);
    ++loop_number;
    const auto threads = static_cast<int64_t>(lanes.size());
    for (int64_t t = 0; t < threads; ++t) {
      Lane& lane = lanes[static_cast<size_t>(t)];
      const int64_t begin = t * ranges / threads;
      lane.end = (t + 1) * ranges / threads;
      lane.claims.store(loop_number << 32 | static_cast<uint64_t>(lane.end - begin),
                        std::memory_order_release);
    }
    Wake();
    TakeRanges(0);
    for (int i = 0; i < kSpins; ++i) {
      if (unfinished.load(std::memory_order_acquire) == 0) return;
      Pause();
    }
    for (int32_t left = 0; (left = unfinished.load(std::memory_order_acquire)) != 0;) {
      unfinished.wait(left, std::memory_order_acquire);
    }
  }

  // First the thread's own ranges, then what others have not begun.
  void TakeRanges(size_t thread) {
    for (size_t i = 0; i < lanes.size(); ++i) {
      TakeFrom(lanes[(thread + i) % lanes.size()], thread);
    }
  }

  // A range that was claimed keeps its loop from ending, so that range_body, log and the lane's end
  // stay what they are.
  void TakeFrom(Lane& lane, size_t thread) {
    uint64_t seen = lane.claims.load(std::memory_order_acquire);
    while ((seen & kLeftMask) != 0) {
      if (!lane.claims.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {
        continue;
      }
      DoLogged(log, thread,
               [&] { (*range_body)(lane.end - static_cast<int64_t>(seen & kLeftMask)); });
      if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished.notify_one();
      seen = lane.claims.load(std::memory_order_acquire);
    }
  }

  void Work(size_t thread) {
    uint32_t known = 0;
    while (true) {
      for (int i = 0; loops_begun.load(std::memory_order_acquire) == known; ++i) {
        if (i < kSpins) {
          Pause();
        } else {
          loops_begun.wait(known, std::memory_order_acquire);
        }
      }
      known = loops_begun.load(std::memory_order_acquire);
      if (stopping.load(std::memory_order_relaxed)) return;
      TakeRanges(thread);
    }
  }

  std::vector<Lane> lanes;  // one for each thread; the caller's first
  alignas(64) std::atomic<int32_t> unfinished{0};
  alignas(64) std::atomic<uint32_t> loops_begun{0};
  std::atomic<bool> stopping{false};
  const std::function<void(int64_t)>* range_body = nullptr;
  WorkLog* log = nullptr;
  uint64_t loop_number = 0;
  std::vector<std::thread> workers;
};

ThreadPool::ThreadPool(int64_t threads) {
  if (threads < 1 || threads > kMaxThreads) {
    throw InputError({"", "threads"}, "is " + std::to_string(threads),
                     "a whole number from 1 to " + std::to_string(kMaxThreads));
  }
  if (threads > 1) state_ = std::make_unique<State>(threads);
}
ThreadPool::~ThreadPool() = default;

int64_t ThreadPool::threads() const {
  return state_ == nullptr ? 1 : static_cast<int64_t>(state_->workers.size()) + 1;
}

void ThreadPool::set_work_log(WorkLog* log) {
  if (log != nullptr) log->threads.resize(static_cast<size_t>(threads()));
  log_ = log;
}

void ThreadPool::ForRanges(int64_t n, int64_t grain,
                           const std::function<void(int64_t, int64_t)>& body) {
  DEEPTHIN_CHECK(n >= 0 && grain >= 1);
  if (n == 0) return;
  const int64_t grains = (n - 1) / grain + 1;
  const int64_t ranges = state_ == nullptr ? 1 : std::min(grains, threads() * kRangesPerThread);
  if (ranges == 1) {
    DoLogged(log_, 0, [&] { body(0, n); });
    return;
  }
  const auto do_range = [&](int64_t range) {
    const int64_t begin = range * grains / ranges * grain;
    const int64_t end = (range + 1) * grains / ranges * grain;
    body(begin, std::min(end, n));
  };
  state_->Run(std::cref(do_range), ranges, log_);
}

}  // namespace deepthin::runtime

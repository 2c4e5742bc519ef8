#include "runtime/thread_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "spec/errors.h"
#include "tests/runtime/error_text.h"

namespace deepthin::runtime {
namespace {

using Ranges = std::set<std::pair<int64_t, int64_t>>;

Ranges RangesOf(ThreadPool& pool, int64_t n, int64_t grain) {
  Ranges ranges;
  std::mutex mutex;
  pool.ForRanges(n, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(ranges.emplace(begin, end).second);
  });
  return ranges;
}

TEST(ThreadPool, RangesCoverEachIndexOnceAndHonourTheGrain) {
  for (const int64_t threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    for (const int64_t n : {1, 2, 7, 8, 9, 64, 100, 1001}) {
      for (const int64_t grain : {1, 3, 8, 1000}) {
        int64_t at = 0;
        for (const auto& [begin, end] : RangesOf(pool, n, grain)) {
          EXPECT_EQ(begin, at);
          EXPECT_GT(end, begin);
          EXPECT_TRUE(end == n || end - begin >= grain);
          at = end;
        }
        EXPECT_EQ(at, n) << threads << " threads, grain " << grain;
      }
    }
  }
}

TEST(ThreadPool, TheLogHasEveryRangeOnceWithItsThread) {
  for (const int64_t threads : {1, 3}) {
    ThreadPool pool(threads);
    WorkLog log;
    pool.set_work_log(&log);
    size_t ranges = 0;
    const auto before = WorkLog::Clock::now();
    for (int loop = 0; loop < 20; ++loop) ranges += RangesOf(pool, 40, 3).size();
    const auto after = WorkLog::Clock::now();
    pool.set_work_log(nullptr);
    (void)RangesOf(pool, 40, 3);

    ASSERT_EQ(log.threads.size(), static_cast<size_t>(threads));
    size_t logged = 0;
    for (const auto& thread : log.threads) {
      auto last = before;
      for (const WorkLog::Range& range : thread) {
        EXPECT_LE(last, range.begin);
        EXPECT_LE(range.begin, range.end);
        last = range.end;
      }
      EXPECT_LE(last, after);
      logged += thread.size();
    }
    EXPECT_EQ(logged, ranges);
  }
}

TEST(ThreadPool, NothingIsCalledForNothing) {
  ThreadPool pool(2);
  EXPECT_TRUE(RangesOf(pool, 0, 1).empty());
}

TEST(ThreadPool, RangesDoNotDependOnTiming) {
  ThreadPool pool(3);
  const Ranges first = RangesOf(pool, 1000, 8);
  EXPECT_GE(first.size(), 3U);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(RangesOf(pool, 1000, 8), first);
}

// Plain, unguarded memory: what one loop writes the next one reads on other threads. A data race
// here is a bug of the pool, and ThreadSanitizer has to see none.
TEST(ThreadPool, LoopsSeeWhatEarlierLoopsWrote) {
  ThreadPool pool(3);
  std::vector<int64_t> a(257);
  std::vector<int64_t> b(a.size());
  const auto n = static_cast<int64_t>(a.size());
  for (int64_t round = 1; round <= 2000; ++round) {
    pool.ForRanges(n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) a[static_cast<size_t>(i)] += i;
    });
    pool.ForRanges(n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        b[static_cast<size_t>(i)] = a[static_cast<size_t>(n - 1 - i)];
      }
    });
    ASSERT_EQ(b[0], round * (n - 1));
    ASSERT_EQ(b.back(), 0);
  }
}

TEST(ThreadPool, RefusesAbsurdThreadCounts) {
  EXPECT_EQ(ThreadPool(1).threads(), 1);
  EXPECT_EQ(ThreadPool(3).threads(), 3);
  for (const int64_t threads : {int64_t{0}, int64_t{-1}, int64_t{1'000'000'000}}) {
    EXPECT_THAT(ErrorText<InputError>([&] { const ThreadPool pool(threads); }),
                ::testing::HasSubstr("threads: is " + std::to_string(threads)));
  }
}

}  // namespace
}  // namespace deepthin::runtime

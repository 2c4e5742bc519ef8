#include "runtime/measuring/stream_bandwidth.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "runtime/measuring/read_sum.h"
#include "runtime/memory.h"
#include "runtime/thread_pool.h"
#include "spec/errors.h"
#include "spec/robust_stats.h"

namespace deepthin::runtime {
namespace {

constexpr int64_t kBlockBytes = static_cast<int64_t>(kReadBlock * sizeof(float));
constexpr int64_t kMaxThreads = 1024;
constexpr Bytes kLargestSet = MiB(512);  // that StreamPeaks measures
constexpr Bytes kMaxRead = GiB(1024);    // of a repeat: minutes

// Blocks that each thread reads of a working set.
int64_t BlocksPerThread(Bytes working_set, int64_t threads) {
  return working_set.value() / (kBlockBytes * threads);
}

void CheckOptions(const BandwidthOptions& options) {
  const auto refuse = [](const std::string& place, int64_t found, const std::string& expected) {
    throw InputError({"", place}, "is " + std::to_string(found), expected);
  };
  if (options.repeats < 1) refuse("/repeats", options.repeats, "1 or more");
  if (options.read_at_least.value() < 1 || options.read_at_least > kMaxRead) {
    refuse("/read_at_least_bytes", options.read_at_least.value(),
           "1 to " + std::to_string(kMaxRead.value()));
  }
  if (options.working_sets.empty() || options.threads.empty()) {
    throw InputError({}, "no working sets or no thread counts are given", "one or more of each");
  }
  for (const int64_t threads : options.threads) {
    if (threads < 1 || threads > kMaxThreads) {
      refuse("/threads", threads, "1 to " + std::to_string(kMaxThreads));
    }
    for (const Bytes set : options.working_sets) {
      if (set.value() < 1 || BlocksPerThread(set, threads) < 1) {
        refuse("/working_sets_bytes", set.value(),
               "at least " + std::to_string(kBlockBytes) + " for each thread");
      }
    }
  }
}

// Reads the working set `passes` times; each thread its own part, without waiting for the others.
// The sum is stored, so that the reads are not removed.
class Reading {
 public:
  Reading(int64_t threads, Bytes largest) : pool_(threads), threads_(threads) {
    const int64_t blocks = BlocksPerThread(largest, threads) * threads;
    data_ = AllocateFloats(blocks * static_cast<int64_t>(kReadBlock), "a working set");
    // Touched first by the threads that read it: pages come to lie near them. Not zeros alone,
    // which could be pages that the kernel shares.
    const int64_t own = BlocksPerThread(largest, threads);
    pool_.ForRanges(threads, 1, [&](int64_t begin, int64_t end) {
      const int64_t floats = static_cast<int64_t>(kReadBlock) * own;
      std::fill(data_.get() + begin * floats, data_.get() + end * floats, 1.0F);
    });
  }

  double BytesPerSecond(Bytes working_set, Bytes read_at_least) {
    const int64_t own = BlocksPerThread(working_set, threads_);
    const int64_t bytes = own * threads_ * kBlockBytes;
    const int64_t passes = (read_at_least.value() - 1) / bytes + 1;
    const auto floats = static_cast<size_t>(own) * kReadBlock;
    const auto start = std::chrono::steady_clock::now();
    pool_.ForRanges(threads_, 1, [&](int64_t begin, int64_t end) {
      float sum = 0;
      for (int64_t part = begin; part < end; ++part) {
        const float* data = data_.get() + static_cast<size_t>(part) * floats;
        for (int64_t pass = 0; pass < passes; ++pass) sum += ReadSum(data, floats);
      }
      sink_.store(sum, std::memory_order_relaxed);
    });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    return static_cast<double>(bytes * passes) / time.count();
  }

 private:
  ThreadPool pool_;
  int64_t threads_;
  std::shared_ptr<float> data_;
  std::atomic<float> sink_ = 0;
};

}  // namespace

BytesPerSecond MedianBandwidth(const BandwidthPoint& point) {
  return BytesPerSecond(Median(point.bytes_per_s));
}

std::vector<BandwidthPoint> MeasureReadBandwidth(
    const BandwidthOptions& options, const std::function<void(int64_t, int64_t)>& progress) {
  CheckOptions(options);
  const Bytes largest = *std::max_element(options.working_sets.begin(), options.working_sets.end());
  const auto total = static_cast<int64_t>(options.threads.size() * options.working_sets.size()) *
                     (options.repeats + 1);
  int64_t done = 0;
  std::vector<BandwidthPoint> points;
  for (const int64_t threads : options.threads) {
    // One pool at a time: the threads of an idle one go on spinning for a while.
    Reading reading(threads, largest);
    const size_t first = points.size();
    for (const Bytes set : options.working_sets) {
      const Bytes rounded(BlocksPerThread(set, threads) * threads * kBlockBytes);
      points.push_back({rounded, threads, {}});
    }
    for (int64_t repeat = 0; repeat <= options.repeats; ++repeat) {
      for (size_t i = first; i < points.size(); ++i) {
        const double rate = reading.BytesPerSecond(points[i].working_set, options.read_at_least);
        if (repeat > 0) points[i].bytes_per_s.push_back(rate);
        if (progress) progress(++done, total);
      }
    }
  }
  return points;
}

BytesPerSecond StreamPeaks::Peak(int64_t threads, Bytes working_set) {
  DEEPTHIN_CHECK(working_set.value() > 0);
  const int64_t bytes = std::clamp(working_set.value(), kBlockBytes * threads, kLargestSet.value());
  int64_t step = 1;
  while (step <= bytes / 16) step *= 2;
  const int64_t rounded = (bytes + step - 1) / step * step;
  const auto known = peaks_.find({threads, rounded});
  if (known != peaks_.end()) return known->second;
  const auto points = MeasureReadBandwidth(
      {.working_sets = {Bytes(rounded)}, .threads = {threads}, .read_at_least = MiB(256)});
  return peaks_.emplace(std::pair(threads, rounded), MedianBandwidth(points.front())).first->second;
}

const BandwidthPoint& MemoryPeak(std::span<const BandwidthPoint> points) {
  DEEPTHIN_CHECK(!points.empty());
  const BandwidthPoint* best = points.data();
  int64_t largest = 0;
  for (const BandwidthPoint& point : points) largest = std::max(largest, point.working_set.value());
  // Rounding to whole blocks makes a set differ a little between thread counts.
  const auto is_largest = [&](const BandwidthPoint& point) {
    return 2 * point.working_set.value() > largest;
  };
  for (const BandwidthPoint& point : points) {
    if (!is_largest(point)) continue;
    if (!is_largest(*best) || MedianBandwidth(point) > MedianBandwidth(*best)) best = &point;
  }
  return *best;
}

}  // namespace deepthin::runtime

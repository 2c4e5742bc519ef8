// The rate at which this machine reads memory, by working set and threads: what "% of peak" refers
// to, and where the caches end. A sum over floats; the widest vectors that the CPU has.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "spec/units.h"

namespace deepthin::runtime {

struct BandwidthOptions {
  // Read by all threads together, each its own part again and again.
  std::vector<Bytes> working_sets = {KiB(32), KiB(256), MiB(1), MiB(4), MiB(16), MiB(64), MiB(256)};
  std::vector<int64_t> threads = {1};
  int64_t repeats = 7;            // counted; one warm-up before them
  Bytes read_at_least = MiB(64);  // by each repeat: about 5 ms, far above the clock's resolution
};

// Raw samples stay: statistics can be done again (spec/robust_stats.h).
struct BandwidthPoint {
  Bytes working_set;  // as asked for, rounded down to whole blocks of each thread
  int64_t threads = 0;
  std::vector<double> bytes_per_s;  // each repeat
};

[[nodiscard]] BytesPerSecond MedianBandwidth(const BandwidthPoint& point);

// One point for each thread count and working set, in that order; with one thread count the repeats
// of the working sets are taken in turn. progress(done, total) is called after each repeat, the
// warm-ups included; it may be empty. Throws InputError where an option is out of range,
// EnvironmentError where memory does not suffice.
[[nodiscard]] std::vector<BandwidthPoint> MeasureReadBandwidth(
    const BandwidthOptions& options, const std::function<void(int64_t, int64_t)>& progress = {});

// The fastest point of the largest working set: the rate from memory, where that set is several
// times the last-level cache. REQUIRES: not empty.
[[nodiscard]] const BandwidthPoint& MemoryPeak(std::span<const BandwidthPoint> points);

// Peaks for working sets, measured when they are first asked for and then kept: what the rate of a
// decoder that streams so many bytes for each token is compared with.
class StreamPeaks {
 public:
  // The median rate for a working set of this size (rounded up by at most an eighth, so that
  // contexts of one model share it; beyond 512 MiB as of 512 MiB, where no cache holds any part of
  // it). Throws as MeasureReadBandwidth does. REQUIRES: working_set > 0.
  [[nodiscard]] BytesPerSecond Peak(int64_t threads, Bytes working_set);

 private:
  std::map<std::pair<int64_t, int64_t>, BytesPerSecond> peaks_;  // by threads and bytes
};

}  // namespace deepthin::runtime

#include "runtime/measuring/stream_bandwidth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/measuring/read_sum.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

using ::testing::HasSubstr;

TEST(ReadSumTest, AddsEveryElementOnce) {
  alignas(64) float data[5 * kReadBlock];
  for (size_t n = 0; n <= 5 * kReadBlock; n += kReadBlock) {
    // Powers of two up to 2^22 would hide a swap, not a loss: each element has a value of its own,
    // and all partial sums are whole numbers that a float holds.
    float expected = 0;
    for (size_t i = 0; i < n; ++i) {
      data[i] = static_cast<float>(i * i + 1);
      expected += data[i];
    }
    EXPECT_EQ(ReadSum(data, n), expected) << n;
  }
}

TEST(MeasureReadBandwidthTest, GivesAPointForEachThreadCountAndSet) {
  std::vector<std::pair<int64_t, int64_t>> progress;
  const BandwidthOptions options = {.working_sets = {KiB(64), Bytes(100'000), MiB(1)},
                                    .threads = {1, 2},
                                    .repeats = 3,
                                    .read_at_least = MiB(1)};
  const std::vector<BandwidthPoint> points = MeasureReadBandwidth(
      options, [&](int64_t done, int64_t total) { progress.emplace_back(done, total); });
  ASSERT_EQ(points.size(), 6u);
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].threads, i < 3 ? 1 : 2);
    const Bytes asked = options.working_sets[i % 3];
    EXPECT_LE(points[i].working_set, asked);
    EXPECT_GT(points[i].working_set, asked - Bytes(256 * points[i].threads));
    ASSERT_EQ(points[i].bytes_per_s.size(), 3u);
    for (const double rate : points[i].bytes_per_s) {
      EXPECT_GT(rate, 1e6);
      EXPECT_LT(rate, 1e14);
    }
  }
  ASSERT_EQ(progress.size(), 24u);  // (3 + 1) x 6
  EXPECT_EQ(progress.front(), std::pair(int64_t{1}, int64_t{24}));
  EXPECT_EQ(progress.back(), std::pair(int64_t{24}, int64_t{24}));
}

TEST(MeasureReadBandwidthTest, NamesTheBadOption) {
  const auto message = [](const BandwidthOptions& options) -> std::string {
    try {
      (void)MeasureReadBandwidth(options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message({.working_sets = {Bytes(511)}, .threads = {2}}),
              HasSubstr("/working_sets_bytes: is 511; expected at least 256 for each thread"));
  EXPECT_EQ(
      message(
          {.working_sets = {Bytes(512)}, .threads = {2}, .repeats = 1, .read_at_least = Bytes(1)}),
      "accepted");
  EXPECT_THAT(message({.working_sets = {Bytes(-1)}}), HasSubstr("/working_sets_bytes: is -1"));
  EXPECT_THAT(message({.working_sets = {}}), HasSubstr("no working sets"));
  EXPECT_THAT(message({.threads = {}}), HasSubstr("no working sets or no thread counts"));
  EXPECT_THAT(message({.threads = {0}}), HasSubstr("/threads: is 0"));
  EXPECT_THAT(message({.threads = {1025}}), HasSubstr("/threads: is 1025"));
  EXPECT_THAT(message({.repeats = 0}), HasSubstr("/repeats: is 0"));
  EXPECT_THAT(message({.read_at_least = Bytes(0)}), HasSubstr("/read_at_least_bytes: is 0"));
  EXPECT_THAT(message({.read_at_least = Bytes(INT64_MAX)}), HasSubstr("/read_at_least_bytes"));
}

TEST(MeasureReadBandwidthTest, ASetBeyondTheMachineIsNoCrash) {
  EXPECT_THROW((void)MeasureReadBandwidth({.working_sets = {GiB(1 << 20)}}), EnvironmentError);
  EXPECT_THROW((void)MeasureReadBandwidth({.working_sets = {Bytes(INT64_MAX)}}), EnvironmentError);
}

// Two measurements of a clock are never the same number: an equal one was kept.
TEST(StreamPeaksTest, AreMeasuredOnceForSetsOfAboutTheSameSize) {
  StreamPeaks peaks;
  const BytesPerSecond peak = peaks.Peak(1, KiB(256));
  EXPECT_GT(peak.value(), 0);
  EXPECT_EQ(peaks.Peak(1, KiB(256)), peak);
  EXPECT_EQ(peaks.Peak(1, KiB(256) - Bytes(1)), peak);
  EXPECT_NE(peaks.Peak(1, KiB(512)), peak);
  EXPECT_GT(peaks.Peak(2, Bytes(1)).value(), 0);  // at least a cache line each
}

TEST(MemoryPeakTest, IsTheFastestOfTheLargestSets) {
  const std::vector<BandwidthPoint> points = {
      {KiB(32), 1, {90e9, 91e9, 10e9}},
      {MiB(256), 1, {10e9, 11e9, 30e9}},
      {KiB(32), 2, {190e9, 180e9, 170e9}},
      {MiB(256) - Bytes(256), 2, {20e9, 1e9, 19e9}},
  };
  const BandwidthPoint& peak = MemoryPeak(points);
  EXPECT_EQ(&peak, &points[3]);
  EXPECT_EQ(MedianBandwidth(peak), GBps(19));
}

}  // namespace
}  // namespace deepthin::runtime

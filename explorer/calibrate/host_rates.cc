#include "explorer/calibrate/host_rates.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

#include "runtime/activation_buffer.h"
#include "runtime/kernels/kernels.h"
#include "runtime/measuring/stream_bandwidth.h"
#include "runtime/thread_pool.h"
#include "spec/errors.h"
#include "spec/robust_stats.h"

namespace deepthin::calibrate {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSamples = 7;
constexpr int64_t kRows = 512;  // 1 MB in f32 for all threads together: no DRAM
constexpr int64_t kCols = 512;
// As many as share the unpacking of a weight well, and as do not.
constexpr int64_t kManyTokens = 128;
constexpr int64_t kFewTokens = 16;

// Median seconds of one call, from samples of a few milliseconds.
double SecondsOf(const std::function<void()>& call) {
  constexpr double kSample = 3e-3;
  int64_t calls = 1;
  const auto time = [&] {
    const Clock::time_point begin = Clock::now();
    for (int64_t i = 0; i < calls; ++i) call();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  while (time() < kSample && calls < (int64_t{1} << 30)) calls *= 2;
  std::vector<double> samples;
  samples.reserve(kSamples);
  for (int i = 0; i < kSamples; ++i) samples.push_back(time() / static_cast<double>(calls));
  return Median(samples);
}

MacsPerSecond ProductRateOf(Dtype dtype, int64_t tokens, runtime::ThreadPool& pool) {
  const runtime::Kernels& kernels = runtime::ActiveKernels();
  runtime::WeightMatrix w{dtype, kRows, kCols, nullptr, nullptr};
  std::vector<std::byte> bytes(static_cast<size_t>(kRows * w.row_bytes()));
  std::vector<float> scales(kRows);
  std::vector<float> row(kCols);
  for (size_t i = 0; i < row.size(); ++i) row[i] = 1e-3F * static_cast<float>(i % 97) - 0.05F;
  for (int64_t r = 0; r < kRows; ++r) {
    runtime::QuantizeRow(dtype, row.data(), kCols, bytes.data() + r * w.row_bytes(),
                         &scales[static_cast<size_t>(r)]);
  }
  w.data = bytes.data();
  w.row_scales = scales.data();
  const runtime::ActivationBuffer x(tokens, kCols);
  for (int64_t t = 0; t < tokens; ++t) {
    std::copy(row.begin(), row.end(), x.Tokens(t, 1).data);
  }
  x.Quantize(kernels, runtime::FormFor(dtype), 0, tokens);
  std::vector<float> y(static_cast<size_t>(tokens * kRows));
  const auto product = kernels.MatMul(dtype);
  const double seconds = SecondsOf([&] {
    pool.ForRanges(kRows, runtime::kRowsPerPanel, [&](int64_t begin, int64_t end) {
      product(w.Rows(begin, end), x.View(0, tokens),
              runtime::Dense(y.data(), tokens, kRows).Columns(begin, end));
    });
  });
  return MacsPerSecond(static_cast<double>(kRows * kCols * tokens) / seconds);
}

template <class Get>
double MedianOfEach(std::span<const HostRates> measured, const Get& get) {
  std::vector<double> values;
  for (const HostRates& rates : measured) values.push_back(get(rates).value());
  return Median(values);
}

}  // namespace

HostRates MedianOf(std::span<const HostRates> measured) {
  DEEPTHIN_CHECK(!measured.empty());
  HostRates out = measured.front();
  for (size_t i = 0; i < out.reads.size(); ++i) {
    out.reads[i].rate = BytesPerSecond(
        MedianOfEach(measured, [i](const HostRates& rates) { return rates.reads.at(i).rate; }));
  }
  for (size_t i = 0; i < out.products.size(); ++i) {
    out.products[i].rate = MacsPerSecond(
        MedianOfEach(measured, [i](const HostRates& rates) { return rates.products.at(i).rate; }));
  }
  out.fork_join =
      Seconds(MedianOfEach(measured, [](const HostRates& rates) { return rates.fork_join; }));
  return out;
}

HostRates MeasureHostRates(int64_t threads) {
  HostRates rates;
  const runtime::BandwidthOptions options{
      .working_sets = {KiB(512), MiB(1),   MiB(2),   MiB(4),   MiB(8),   MiB(12),
                       MiB(16),  MiB(20),  MiB(24),  MiB(28),  MiB(32),  MiB(36),
                       MiB(40),  MiB(44),  MiB(48),  MiB(56),  MiB(64),  MiB(80),
                       MiB(96),  MiB(112), MiB(128), MiB(160), MiB(192), MiB(256)},
      .threads = {threads}};
  for (const runtime::BandwidthPoint& point : runtime::MeasureReadBandwidth(options)) {
    rates.reads.push_back({point.working_set, MedianBandwidth(point)});
  }
  runtime::ThreadPool pool(threads);
  for (const auto& [dtype, text] : EnumTexts<Dtype>::kList) {
    for (const int64_t tokens : {int64_t{1}, kFewTokens, kManyTokens}) {
      rates.products.push_back({dtype, tokens, ProductRateOf(dtype, tokens, pool)});
    }
  }
  rates.fork_join =
      Seconds(SecondsOf([&] { pool.ForRanges(threads, 1, [](int64_t, int64_t) {}); }));
  return rates;
}

}  // namespace deepthin::calibrate

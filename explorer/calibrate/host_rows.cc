#include "explorer/calibrate/host_rows.h"

#include <algorithm>
#include <map>
#include <utility>

#include "runtime/measuring/measure.h"
#include "spec/random.h"
#include "spec/robust_stats.h"

namespace deepthin::calibrate {
namespace {

constexpr int64_t kGenerated = 8;
constexpr int64_t kRepeats = 3;

// The median of each round.
struct Samples {
  Precision precision;
  std::vector<double> prefill;
  std::map<int64_t, std::vector<double>> decode;  // by position
};

void MeasureOnce(const SweepPoint& point, int64_t threads, Samples& samples) {
  runtime::MeasureOptions options{.threads = threads,
                                  .prompt_tokens = point.prompt,
                                  .generated_tokens = kGenerated,
                                  .repeats = kRepeats,
                                  .precision = *PrecisionByName(point.precision)};
  const runtime::MeasuredWeights weights = runtime::LoadRandomWeights(point.model, options);
  const auto prompt =
      runtime::MeasureAll({&weights, 1}, {.options = options, .threads = {threads}});
  samples.prefill.push_back(Median(prompt.front().measurement.prefill_s));
  samples.decode[point.prompt].push_back(Median(prompt.front().measurement.decode_s_per_token));
  const auto decoded = runtime::MeasureAll(
      {&weights, 1}, {.options = options, .threads = {threads}, .positions = point.positions});
  for (const runtime::Measured& each : decoded) {
    samples.decode[each.measurement.prompt_tokens].push_back(
        Median(each.measurement.decode_s_per_token));
  }
  samples.precision = prompt.front().measurement.precision;
}

// Another order in each round (Fisher and Yates), so that what happens to the machine meanwhile
// falls on no group of points.
std::vector<size_t> Shuffled(size_t n, int64_t round) {
  SplitMix64 random(static_cast<uint64_t>(round) + 1);
  std::vector<size_t> order(n);
  for (size_t i = 0; i < n; ++i) order[i] = i;
  for (size_t i = n; i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<size_t>(random.NextBelow(static_cast<int64_t>(i)))]);
  }
  return order;
}

bool AreSettled(const Samples& samples) {
  return IsSettled(samples.prefill) &&
         std::all_of(samples.decode.begin(), samples.decode.end(),
                     [](const auto& position) { return IsSettled(position.second); });
}

HostRow RowOf(const SweepPoint& point, const Samples& samples, std::span<const double> times) {
  const auto [least, most] = std::minmax_element(times.begin(), times.end());
  return {.architecture = point.name,
          .model = point.model,
          .precision = samples.precision,
          .new_tokens = 1,
          .context_tokens = 0,
          .time = Seconds(*least),
          .relative_spread = *most / *least - 1,
          .is_held_out = false};
}

}  // namespace

bool IsSettled(std::span<const double> times) {
  constexpr double kSame = 1.03;
  if (times.size() < 2) return false;
  std::vector<double> least(2);
  std::partial_sort_copy(times.begin(), times.end(), least.begin(), least.end());
  return least[1] <= kSame * least[0];
}

std::vector<HostRow> MeasureSweep(std::span<const SweepPoint> points, int64_t threads,
                                  const SweepRounds& rounds, const SweepProgress& progress) {
  std::vector<Samples> samples(points.size());
  int64_t done = 0;
  int64_t total = static_cast<int64_t>(points.size()) * rounds.least;
  for (int64_t round = 0; round < rounds.most; ++round) {
    std::vector<size_t> order = Shuffled(points.size(), round);
    if (round >= rounds.least) {
      std::erase_if(order, [&](size_t i) { return AreSettled(samples[i]); });
      total += static_cast<int64_t>(order.size());
    }
    for (const size_t i : order) {
      if (progress) progress(done++, total, points[i].name);
      MeasureOnce(points[i], threads, samples[i]);
    }
  }
  std::vector<HostRow> rows;
  for (size_t i = 0; i < points.size(); ++i) {
    HostRow prefill = RowOf(points[i], samples[i], samples[i].prefill);
    prefill.new_tokens = points[i].prompt;
    rows.push_back(std::move(prefill));
    for (const auto& [position, times] : samples[i].decode) {
      HostRow decode = RowOf(points[i], samples[i], times);
      decode.context_tokens = position + kGenerated / 2;
      rows.push_back(std::move(decode));
    }
  }
  return rows;
}

std::vector<costmodel::MeasuredPass> PassesOf(const HostRows& rows, bool is_held_out) {
  std::map<std::string, int64_t> architectures;
  std::vector<costmodel::MeasuredPass> passes;
  for (const HostRow& row : rows.rows) {
    if (row.is_held_out != is_held_out) continue;
    const auto number = static_cast<int64_t>(architectures.size());
    passes.push_back(
        {.model = row.model,
         .precision = row.precision,
         .pass = {.new_tokens = row.new_tokens, .context_tokens = row.context_tokens, .batch = 1},
         .time = row.time,
         .architecture = architectures.emplace(row.architecture, number).first->second});
  }
  return passes;
}

}  // namespace deepthin::calibrate

#include "explorer/calibrate/host_rows.h"

#include <algorithm>
#include <map>
#include <utility>

#include "runtime/measuring/measure.h"
#include "spec/errors.h"
#include "spec/random.h"
#include "spec/robust_stats.h"

namespace deepthin::calibrate {
namespace {

constexpr int64_t kGenerated = 8;
constexpr int64_t kRepeats = 3;

// Another order in each round (Fisher and Yates).
std::vector<size_t> Shuffled(size_t n, int64_t round) {
  SplitMix64 random(static_cast<uint64_t>(round) + 1);
  std::vector<size_t> order(n);
  for (size_t i = 0; i < n; ++i) order[i] = i;
  for (size_t i = n; i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<size_t>(random.NextBelow(static_cast<int64_t>(i)))]);
  }
  return order;
}

HostRow RowOf(const SweepPoint& point, const Precision& precision, std::span<const double> times) {
  HostRow row{.architecture = point.name,
              .model = point.model,
              .precision = precision,
              .new_tokens = 1,
              .context_tokens = 0,
              .time = Seconds(Median(times)),
              .rounds = {},
              .is_held_out = false};
  for (const double time : times) row.rounds.emplace_back(time);
  return row;
}

}  // namespace

SweepMeasurement::SweepMeasurement(std::vector<SweepPoint> points, int64_t threads)
    : points_(std::move(points)), threads_(threads), samples_(points_.size()) {}

void SweepMeasurement::Measure(const SweepPoint& point, Samples& samples) const {
  runtime::MeasureOptions options{.threads = threads_,
                                  .prompt_tokens = point.prompt,
                                  .generated_tokens = kGenerated,
                                  .repeats = kRepeats,
                                  .precision = *PrecisionByName(point.precision)};
  const runtime::MeasuredWeights weights = runtime::LoadRandomWeights(point.model, options);
  const auto prompt =
      runtime::MeasureAll({&weights, 1}, {.options = options, .threads = {threads_}});
  samples.prefill.push_back(Median(prompt.front().measurement.prefill_s));
  samples.decode[point.prompt].push_back(Median(prompt.front().measurement.decode_s_per_token));
  const auto decoded = runtime::MeasureAll(
      {&weights, 1}, {.options = options, .threads = {threads_}, .positions = point.positions});
  for (const runtime::Measured& each : decoded) {
    samples.decode[each.measurement.prompt_tokens].push_back(
        Median(each.measurement.decode_s_per_token));
  }
  samples.precision = prompt.front().measurement.precision;
}

void SweepMeasurement::MeasureRound(const SweepProgress& progress) {
  for (const size_t i : Shuffled(points_.size(), rounds_++)) {
    if (progress) progress(points_[i].name);
    Measure(points_[i], samples_[i]);
  }
}

std::vector<HostRow> SweepMeasurement::Rows() const {
  DEEPTHIN_CHECK(rounds_ > 0);
  std::vector<HostRow> rows;
  for (size_t i = 0; i < points_.size(); ++i) {
    const Samples& samples = samples_[i];
    HostRow prefill = RowOf(points_[i], samples.precision, samples.prefill);
    prefill.new_tokens = points_[i].prompt;
    rows.push_back(std::move(prefill));
    for (const auto& [position, times] : samples.decode) {
      HostRow decode = RowOf(points_[i], samples.precision, times);
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

// The measured part of `calibrate host`, as it is kept in a file, so that it can be fitted again
// without being measured again.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "costmodel/soc_fit.h"
#include "explorer/calibrate/host_rates.h"
#include "explorer/calibrate/host_sweep.h"
#include "spec/fields.h"
#include "spec/measurement.h"
#include "spec/precision.h"

namespace deepthin::calibrate {

// One pass: of the medians of each round, the least. Other programs can only slow a round down.
struct HostRow {
  std::string architecture;
  ModelSpec model;
  Precision precision;         // as executed
  int64_t new_tokens = 1;      // 1: decode
  int64_t context_tokens = 0;  // of decode, the mean over the generated tokens
  Seconds time;
  double relative_spread = 0;  // between the rounds' medians: largest / least - 1
  bool is_held_out = false;

  friend bool operator==(const HostRow&, const HostRow&) = default;
};

struct HostRows {
  HostContext host;
  int64_t threads = 1;
  Bytes memory;
  std::string date;
  HostRates rates;
  std::vector<HostRow> rows;

  friend bool operator==(const HostRows&, const HostRows&) = default;
};

// Called with (done, total, name of the architecture); the total grows where rounds are added.
using SweepProgress = std::function<void(int64_t, int64_t, const std::string&)>;

// All points are measured `least` times; those that are not settled again, up to `most` times.
struct SweepRounds {
  int64_t least = 1;
  int64_t most = 1;
};

// Whether a least time was seen twice, within 3 %: then it is the machine's, and not what other
// programs left of it.
[[nodiscard]] bool IsSettled(std::span<const double> times);

// Executes each point on `threads` threads: the prompt, and a few tokens from each position on. One
// point after the other in each round, so that a time in which the machine is busy does not fall on
// all samples of a point.
[[nodiscard]] std::vector<HostRow> MeasureSweep(std::span<const SweepPoint> points, int64_t threads,
                                                const SweepRounds& rounds,
                                                const SweepProgress& progress);

// The rows that are held out, or the others; their architectures numbered from 0.
[[nodiscard]] std::vector<costmodel::MeasuredPass> PassesOf(const HostRows& rows, bool is_held_out);

}  // namespace deepthin::calibrate

template <>
struct deepthin::Fields<deepthin::calibrate::HostRow> {
  using S = calibrate::HostRow;
  static constexpr auto kList = std::tuple(
      Field("architecture", &S::architecture, "name"), Field("model", &S::model, "ModelSpec"),
      Field("precision", &S::precision, "as executed"),
      Field("new_tokens", &S::new_tokens, "of the pass; 1: decode"),
      Field("context_tokens", &S::context_tokens, "in the KV cache before"),
      Field("time_s", &S::time, "the least of the rounds' medians"),
      Field("relative_spread", &S::relative_spread, "largest / least of the rounds' medians - 1"),
      Field("is_held_out", &S::is_held_out, "not fitted"));
};

template <>
struct deepthin::Fields<deepthin::calibrate::HostRows> {
  using S = calibrate::HostRows;
  static constexpr auto kList = std::tuple(Field("host", &S::host, "machine and program"),
                                           Field("threads", &S::threads, "worker threads"),
                                           Field("memory_bytes", &S::memory, "of the machine"),
                                           Field("date", &S::date, "of the measurement, UTC"),
                                           Field("rates", &S::rates, "micro-measurements"),
                                           Field("rows", &S::rows, "measured passes"));
};

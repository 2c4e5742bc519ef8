// The measured part of `calibrate host`, as it is kept in a file, so that it can be fitted again
// without being measured again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
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

// One pass, measured in several rounds.
struct HostRow {
  std::string architecture;
  ModelSpec model;
  Precision precision;          // as executed
  int64_t new_tokens = 1;       // 1: decode
  int64_t context_tokens = 0;   // of decode, the mean over the generated tokens
  Seconds time;                 // the median of the rounds
  std::vector<Seconds> rounds;  // the median of each
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

// Called with the name of each architecture before it is measured.
using SweepProgress = std::function<void(const std::string&)>;

// Executes each point on `threads` threads: the prompt, and a few tokens from each position on.
class SweepMeasurement {
 public:
  SweepMeasurement(std::vector<SweepPoint> points, int64_t threads);

  // All points once, in another order each time, so that a time in which the machine is busy does
  // not fall on all samples of a point.
  void MeasureRound(const SweepProgress& progress);
  // REQUIRES: a round.
  [[nodiscard]] std::vector<HostRow> Rows() const;

 private:
  // The median of each round.
  struct Samples {
    Precision precision;
    std::vector<double> prefill;
    std::map<int64_t, std::vector<double>> decode;  // by position
  };

  void Measure(const SweepPoint& point, Samples& samples) const;

  std::vector<SweepPoint> points_;
  int64_t threads_ = 1;
  std::vector<Samples> samples_;  // of each point
  int64_t rounds_ = 0;
};

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
      Field("time_s", &S::time, "the median of the rounds"),
      Field("rounds_s", &S::rounds, "the median of each round"),
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

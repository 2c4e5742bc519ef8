// How well a calibrated SoC predicts architectures that it was not fitted to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "explorer/calibrate/host_rows.h"
#include "spec/fields.h"
#include "spec/soc_spec.h"

namespace deepthin::calibrate {

struct ValidatedRow {
  std::string architecture;
  int64_t new_tokens = 1;
  int64_t context_tokens = 0;
  Seconds measured;
  Seconds predicted;
  Seconds baseline;   // bytes / bandwidth; of a prompt MACs / rate where that is more
  double error = 0;   // (predicted - measured) / measured
  double spread = 0;  // of the measured rounds: largest / least - 1
  Seconds earlier{};  // the median of the first half of the rounds; 0 of fewer than two
  Seconds later{};    // of the second half

  friend bool operator==(const ValidatedRow&, const ValidatedRow&) = default;
};

struct PhaseSummary {
  int64_t rows = 0;
  double median_error = 0;  // of the absolute values
  double p90_error = 0;
  double kendall_tau = 0;
  double bars_cover = 0;  // share of rows within the 90 % error bar of the SoC's residuals
  double baseline_median_error = 0;
  double baseline_p90_error = 0;
  double baseline_kendall_tau = 0;
  double median_spread = 0;  // of the measured rounds themselves
  // Of the earlier half of the rounds as a prediction of the later one: how far the machine repeats
  // itself. 0 of fewer than two rounds.
  double repeat_median_error = 0;
  double repeat_p90_error = 0;
  double repeat_kendall_tau = 0;

  friend bool operator==(const PhaseSummary&, const PhaseSummary&) = default;
};

// How much faster a model with repeated blocks decodes than one of as many distinct blocks.
struct SpeedUp {
  std::string repeated;
  std::string distinct;
  double measured = 1;
  double predicted = 1;

  friend bool operator==(const SpeedUp&, const SpeedUp&) = default;
};

struct Validation {
  std::vector<ValidatedRow> rows;
  PhaseSummary decode;
  PhaseSummary prefill;
  std::vector<SpeedUp> speed_ups;

  friend bool operator==(const Validation&, const Validation&) = default;
};

// Of the rows that are held out. Speed-ups are those of a model with a repeat that stands right
// before its twin without one. Throws InputError where no row is held out.
[[nodiscard]] Validation Validate(const HostRows& rows, const SocSpec& soc);

}  // namespace deepthin::calibrate

template <>
struct deepthin::Fields<deepthin::calibrate::ValidatedRow> {
  using S = calibrate::ValidatedRow;
  static constexpr auto kList =
      std::tuple(Field("architecture", &S::architecture, "name"),
                 Field("new_tokens", &S::new_tokens, "of the pass; 1: decode"),
                 Field("context_tokens", &S::context_tokens, "in the KV cache before"),
                 Field("measured_s", &S::measured, "by a clock"),
                 Field("predicted_s", &S::predicted, "by the cost model"),
                 Field("baseline_s", &S::baseline, "bytes / bandwidth, or MACs / rate"),
                 Field("error", &S::error, "(predicted - measured) / measured"),
                 Field("spread", &S::spread, "of the measured rounds: largest / least - 1"),
                 Field("earlier_s", &S::earlier, "median of the first half of the rounds"),
                 Field("later_s", &S::later, "median of the second half"));
};

template <>
struct deepthin::Fields<deepthin::calibrate::PhaseSummary> {
  using S = calibrate::PhaseSummary;
  static constexpr auto kList =
      std::tuple(Field("rows", &S::rows, "passes"),
                 Field("median_error", &S::median_error, "of the absolute values"),
                 Field("p90_error", &S::p90_error, "of the absolute values"),
                 Field("kendall_tau", &S::kendall_tau, "of the order"),
                 Field("bars_cover", &S::bars_cover, "share within the 90 % bar"),
                 Field("baseline_median_error", &S::baseline_median_error, "of the baseline"),
                 Field("baseline_p90_error", &S::baseline_p90_error, "of the baseline"),
                 Field("baseline_kendall_tau", &S::baseline_kendall_tau, "of the baseline"),
                 Field("median_spread", &S::median_spread, "of the measured rounds"),
                 Field("repeat_median_error", &S::repeat_median_error, "earlier rounds for later"),
                 Field("repeat_p90_error", &S::repeat_p90_error, "earlier rounds for later"),
                 Field("repeat_kendall_tau", &S::repeat_kendall_tau, "earlier rounds for later"));
};

template <>
struct deepthin::Fields<deepthin::calibrate::SpeedUp> {
  using S = calibrate::SpeedUp;
  static constexpr auto kList =
      std::tuple(Field("repeated", &S::repeated, "model with repeated blocks"),
                 Field("distinct", &S::distinct, "model of as many distinct blocks"),
                 Field("measured", &S::measured, "distinct / repeated"),
                 Field("predicted", &S::predicted, "distinct / repeated"));
};

template <>
struct deepthin::Fields<deepthin::calibrate::Validation> {
  using S = calibrate::Validation;
  static constexpr auto kList =
      std::tuple(Field("decode", &S::decode, "tokens"), Field("prefill", &S::prefill, "prompts"),
                 Field("speed_ups", &S::speed_ups, "of repeats"),
                 Field("rows", &S::rows, "passes that were not fitted"));
};

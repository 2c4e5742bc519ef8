// Calibration on MobileLLM Table 7 (execute column, iPhone 13): DRAM bandwidth and the cost of an
// executed block, by a linear form and by the full cost model.
//
//   Table7Fit fit = FitTable7Linear(rows, soc);   // t = bytes / BW + executed_blocks x c
//   Table7Fit fit = FitTable7Full(rows, soc);     // the same two numbers inside Estimate()
//
// Table 7 gives no input length (PAPER.md, item 7 of its caveats): decode at a context of one
// token. The printed tenths of a millisecond bound every result: each interval is the range over
// the corners of the box of +-0.05 ms around the rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "spec/fields.h"
#include "spec/model_spec.h"
#include "spec/soc_spec.h"

namespace deepthin::calibrate {

struct Table7Row {
  std::string label;
  ModelSpec model;
  double execute_ms = 0;
};

struct Range {
  double value = 0;
  double low = 0;  // over the corners of the rounding box
  double high = 0;

  friend bool operator==(const Range&, const Range&) = default;
};

struct Table7RowFit {
  std::string label;
  double execute_ms = 0;   // as printed
  int64_t dram_bytes = 0;  // per decoded token, by the cost model
  int64_t executed_blocks = 0;
  double fitted_ms = 0;          // by the fit on all rows
  Range residual_percent;        // (fitted - printed) / printed
  double held_out_ms = 0;        // by the fit on the other rows
  Range held_out_error_percent;  // (held out - printed) / printed

  friend bool operator==(const Table7RowFit&, const Table7RowFit&) = default;
};

struct Table7Fit {
  std::string form;  // "linear" or "full"
  Range dram_bandwidth_bytes_per_s;
  Range per_executed_block_s;
  std::vector<Table7RowFit> rows;

  friend bool operator==(const Table7Fit&, const Table7Fit&) = default;
};

// FP16, as in the table. `soc` gives everything that is not fitted (the linear form: only which
// repeats hit on chip). Throws InputError where there are fewer than three rows, a time is not
// positive beyond its rounding, or the rows cannot tell the two numbers apart.
[[nodiscard]] Table7Fit FitTable7Linear(std::span<const Table7Row> rows, const SocSpec& soc);
[[nodiscard]] Table7Fit FitTable7Full(std::span<const Table7Row> rows, const SocSpec& soc);

}  // namespace deepthin::calibrate

template <>
struct deepthin::Fields<deepthin::calibrate::Range> {
  using S = calibrate::Range;
  static constexpr auto kList =
      std::tuple(Field("value", &S::value, "from the rows as printed"),
                 Field("low", &S::low, "lowest that the rounding of the rows allows"),
                 Field("high", &S::high, "highest that the rounding of the rows allows"));
};

template <>
struct deepthin::Fields<deepthin::calibrate::Table7RowFit> {
  using S = calibrate::Table7RowFit;
  static constexpr auto kList = std::tuple(
      Field("label", &S::label, "row of the table"),
      Field("execute_ms", &S::execute_ms, "as printed"),
      Field("dram_bytes", &S::dram_bytes, "DRAM bytes of a decoded token by the cost model"),
      Field("executed_blocks", &S::executed_blocks, "blocks that a token passes"),
      Field("fitted_ms", &S::fitted_ms, "by the fit on all rows"),
      Field("residual_percent", &S::residual_percent, "of the fit on all rows"),
      Field("held_out_ms", &S::held_out_ms, "by the fit on the other rows"),
      Field("held_out_error_percent", &S::held_out_error_percent, "of the fit on the other rows"));
};

template <>
struct deepthin::Fields<deepthin::calibrate::Table7Fit> {
  using S = calibrate::Table7Fit;
  static constexpr auto kList =
      std::tuple(Field("form", &S::form, "linear or full"),
                 Field("dram_bandwidth_bytes_per_s", &S::dram_bandwidth_bytes_per_s, "fitted"),
                 Field("per_executed_block_s", &S::per_executed_block_s, "fitted"),
                 Field("rows", &S::rows, "residuals and leave-one-out errors"));
};

// The load and init columns of MobileLLM Table 7, each as two costs that are not below 0.
//
//   load = weight bytes / rate + executed blocks x cost    (the file is read; the graph has a node
//                                                           for each execution)
//   init = stored blocks x cost + executed blocks x cost   (weights are prepared once)
#pragma once

#include <span>
#include <string>
#include <vector>

#include "spec/fields.h"
#include "spec/model_spec.h"

namespace deepthin::calibrate {

struct Table7Time {
  std::string label;
  ModelSpec model;
  double ms = 0;  // as printed
};

struct Table7ColumnRow {
  std::string label;
  double printed_ms = 0;
  double fitted_ms = 0;
  double error_percent = 0;

  friend bool operator==(const Table7ColumnRow&, const Table7ColumnRow&) = default;
};

struct Table7ColumnFit {
  std::string column;             // "load_ms"
  double per_stored = 0;          // of load in seconds per byte, of init in seconds per block
  double per_executed_block = 0;  // seconds
  // No sum of costs per stored byte or block, per executed block and per model can have a largest
  // error below this: the largest model has at most as many times the bytes and blocks of the
  // smallest, and takes more times as long.
  double least_error_percent = 0;
  std::vector<Table7ColumnRow> rows;

  friend bool operator==(const Table7ColumnFit&, const Table7ColumnFit&) = default;
};

enum class Table7Column { kLoad, kInit };

// FP16; least squares of relative errors. Throws InputError where there are fewer than three rows
// or a time is not positive.
[[nodiscard]] Table7ColumnFit FitTable7Column(std::span<const Table7Time> rows,
                                              Table7Column column);

}  // namespace deepthin::calibrate

template <>
struct deepthin::Fields<deepthin::calibrate::Table7ColumnRow> {
  using S = calibrate::Table7ColumnRow;
  static constexpr auto kList =
      std::tuple(Field("label", &S::label, "row of the table"),
                 Field("printed_ms", &S::printed_ms, "as printed"),
                 Field("fitted_ms", &S::fitted_ms, "by the fit"),
                 Field("error_percent", &S::error_percent, "(fitted - printed) / printed"));
};

template <>
struct deepthin::Fields<deepthin::calibrate::Table7ColumnFit> {
  using S = calibrate::Table7ColumnFit;
  static constexpr auto kList = std::tuple(
      Field("column", &S::column, "of the table"),
      Field("per_stored", &S::per_stored, "seconds per byte (load) or stored block (init)"),
      Field("per_executed_block_s", &S::per_executed_block, "fitted"),
      Field("least_error_percent", &S::least_error_percent, "that any such form can have"),
      Field("rows", &S::rows, "errors"));
};

#include "explorer/calibrate/table7_columns.h"

#include <algorithm>
#include <cmath>

#include "explorer/calibrate/two_term_fit.h"
#include "spec/errors.h"
#include "spec/precision.h"

namespace deepthin::calibrate {
namespace {

Features FeaturesOf(const ModelSpec& model, Table7Column column) {
  const auto executed = static_cast<double>(ExecutedBlocks(model));
  if (column == Table7Column::kInit) return {static_cast<double>(model.n_blocks), executed};
  const Bytes bytes = CountWeightBytes(model, *PrecisionByName("f16")).total();
  return {static_cast<double>(bytes.value()), executed};
}

// One coefficient alone, in relative least squares.
double FitOne(std::span<const Features> features, std::span<const double> seconds, size_t term) {
  double ab = 0;
  double aa = 0;
  for (size_t i = 0; i < seconds.size(); ++i) {
    const double a = features[i][term] / seconds[i];
    ab += a;
    aa += a * a;
  }
  return ab / aa;
}

double Loss(std::span<const Features> features, std::span<const double> seconds,
            const Coefficients& x) {
  double loss = 0;
  for (size_t i = 0; i < seconds.size(); ++i) {
    const double error = (features[i][0] * x[0] + features[i][1] * x[1]) / seconds[i] - 1;
    loss += error * error;
  }
  return loss;
}

// Where the best fit has a negative cost, the best one without that cost.
Coefficients FitNonNegative(std::span<const Features> features, std::span<const double> seconds) {
  const Coefficients free = FitRelative(features, seconds);
  if (free[0] >= 0 && free[1] >= 0) return free;
  const Coefficients first = {FitOne(features, seconds, 0), 0};
  const Coefficients second = {0, FitOne(features, seconds, 1)};
  return Loss(features, seconds, first) <= Loss(features, seconds, second) ? first : second;
}

// The row with the largest features takes `times` as long as a row with at least 1 / `more` of
// each: the best that one can do is to miss both by the same share.
double LeastError(std::span<const Features> features, std::span<const double> seconds) {
  double least = 0;
  for (size_t i = 0; i < seconds.size(); ++i) {
    for (size_t j = 0; j < seconds.size(); ++j) {
      const double more =
          std::max(features[i][0] / features[j][0], std::max(features[i][1] / features[j][1], 1.0));
      const double times = seconds[i] / seconds[j];
      least = std::max(least, (times - more) / (times + more));
    }
  }
  return 100 * least;
}

}  // namespace

Table7ColumnFit FitTable7Column(std::span<const Table7Time> rows, Table7Column column) {
  constexpr size_t kMinRows = 3;
  if (rows.size() < kMinRows) {
    throw InputError({"", ""}, "has " + std::to_string(rows.size()) + " rows", "3 or more");
  }
  std::vector<Features> features;
  std::vector<double> seconds;
  for (const Table7Time& row : rows) {
    if (!std::isfinite(row.ms) || row.ms <= 0) {
      throw InputError({"", "row '" + row.label + "'"}, "takes " + std::to_string(row.ms) + " ms",
                       "a positive time");
    }
    features.push_back(FeaturesOf(row.model, column));
    seconds.push_back(row.ms * 1e-3);
  }
  const Coefficients x = FitNonNegative(features, seconds);
  Table7ColumnFit fit;
  fit.column = column == Table7Column::kLoad ? "load_ms" : "init_ms";
  fit.per_stored = x[0];
  fit.per_executed_block = x[1];
  fit.least_error_percent = LeastError(features, seconds);
  for (size_t i = 0; i < rows.size(); ++i) {
    const double fitted = 1e3 * (features[i][0] * x[0] + features[i][1] * x[1]);
    fit.rows.push_back({.label = rows[i].label,
                        .printed_ms = rows[i].ms,
                        .fitted_ms = fitted,
                        .error_percent = 100 * (fitted / rows[i].ms - 1)});
  }
  return fit;
}

}  // namespace deepthin::calibrate

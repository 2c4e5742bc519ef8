#include "explorer/calibrate/paper_table7.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "costmodel/estimator.h"
#include "explorer/calibrate/two_term_fit.h"
#include "spec/errors.h"

namespace deepthin::calibrate {
namespace {

constexpr double kRoundingMs = 0.05;  // the table prints tenths
constexpr size_t kMinRows = 3;        // two coefficients and one row to spare
constexpr size_t kMaxRows = 8;        // every corner of the rounding box is fitted

// Fits coefficients (seconds per byte, seconds per block) to some of the rows, and predicts each.
struct Form {
  std::string name;
  std::function<Coefficients(std::span<const size_t> rows, std::span<const double> seconds)> fit;
  Predictor predict;
};

Problem DecodeOneToken(const ModelSpec& model, const SocSpec& soc) {
  Problem problem{.model = model, .precision = *PrecisionByName("f16"), .soc = soc, .workload = {}};
  problem.workload.prompt_tokens = 1;
  problem.workload.generated_tokens = 1;
  return problem;
}

struct Prepared {
  std::vector<Problem> problems;
  std::vector<Features> features;  // DRAM bytes, executed blocks
};

// The two columns of the relative least squares, for the rows but `left_out`, must not be parallel.
void RequireRank(const Prepared& prepared, std::span<const Table7Row> rows,
                 std::optional<size_t> left_out) {
  double aa = 0;
  double bb = 0;
  double ab = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i == left_out) continue;
    const double a = prepared.features[i][0] / rows[i].execute_ms;
    const double b = prepared.features[i][1] / rows[i].execute_ms;
    aa += a * a;
    bb += b * b;
    ab += a * b;
  }
  constexpr double kMinSineSquared = 1e-6;
  if (1 - ab * ab / (aa * bb) > kMinSineSquared) return;
  throw InputError({"", ""},
                   left_out ? "the rows beside '" + rows[*left_out].label + "' are too alike"
                            : "the rows are too alike",
                   "rows that differ in the ratio of bytes to executed blocks");
}

Prepared Prepare(std::span<const Table7Row> rows, const SocSpec& soc) {
  if (rows.size() < kMinRows || rows.size() > kMaxRows) {
    throw InputError({"", ""}, "has " + std::to_string(rows.size()) + " rows",
                     std::to_string(kMinRows) + " to " + std::to_string(kMaxRows));
  }
  Prepared prepared;
  for (const Table7Row& row : rows) {
    if (!std::isfinite(row.execute_ms) || row.execute_ms <= kRoundingMs) {
      throw InputError({"", "row '" + row.label + "'"},
                       "has an execution time of " + std::to_string(row.execute_ms) + " ms",
                       "more than its rounding of " + std::to_string(kRoundingMs) + " ms");
    }
    prepared.problems.push_back(DecodeOneToken(row.model, soc));
    const CostEstimate cost = costmodel::Estimate(prepared.problems.back());
    prepared.features.push_back({static_cast<double>(cost.decode.dram_bytes.value()),
                                 static_cast<double>(ExecutedBlocks(row.model))});
  }
  RequireRank(prepared, rows, std::nullopt);
  for (size_t i = 0; i < rows.size(); ++i) RequireRank(prepared, rows, i);
  return prepared;
}

void RequireBandwidth(const Coefficients& coefficients) {
  if (std::isfinite(coefficients[0]) && coefficients[0] > 0) return;
  throw InputError({"", ""}, "the rows fit no positive DRAM bandwidth",
                   "times that grow with the bytes");
}

Form LinearForm(const Prepared& prepared) {
  Form form;
  form.name = "linear";
  form.predict = [&prepared](const Coefficients& x, size_t row) {
    return prepared.features[row][0] * x[0] + prepared.features[row][1] * x[1];
  };
  form.fit = [&prepared](std::span<const size_t> rows, std::span<const double> seconds) {
    std::vector<Features> features;
    for (const size_t row : rows) features.push_back(prepared.features[row]);
    return FitRelative(features, seconds);
  };
  return form;
}

Form FullForm(const Prepared& prepared) {
  Form form;
  form.name = "full";
  form.predict = [&prepared](const Coefficients& x, size_t row) {
    RequireBandwidth(x);
    Problem problem = prepared.problems[row];
    for (MemoryLevel& level : problem.soc.levels) {
      if (level.kind != LevelKind::kDram) continue;
      level.read_bandwidth = {.value = BytesPerSecond(1 / x[0]),
                              .source = "fitted",
                              .low = std::nullopt,
                              .high = std::nullopt};
    }
    // Added here, where it may be negative: a corner of the rounding box may ask for that.
    problem.soc.fixed.per_executed_block = {
        .value = Seconds(0), .source = "fitted", .low = std::nullopt, .high = std::nullopt};
    return costmodel::Estimate(problem).decode.time.value() + prepared.features[row][1] * x[1];
  };
  const Form linear = LinearForm(prepared);
  form.fit = [linear, predict = form.predict](std::span<const size_t> rows,
                                              std::span<const double> seconds) {
    const Coefficients start = linear.fit(rows, seconds);
    RequireBandwidth(start);
    const Predictor predict_chosen = [&](const Coefficients& x, size_t i) {
      return predict(x, rows[i]);
    };
    return FitRelative(predict_chosen, seconds, start);
  };
  return form;
}

struct Outcome {
  Coefficients all{};
  std::vector<double> fitted;    // seconds
  std::vector<double> held_out;  // seconds
};

Outcome Run(const Form& form, std::span<const double> seconds) {
  const size_t n = seconds.size();
  Outcome outcome;
  // `left_out` = n leaves out none.
  for (size_t left_out = 0; left_out <= n; ++left_out) {
    std::vector<size_t> rows;
    std::vector<double> targets;
    for (size_t i = 0; i < n; ++i) {
      if (i == left_out) continue;
      rows.push_back(i);
      targets.push_back(seconds[i]);
    }
    const Coefficients x = form.fit(rows, targets);
    RequireBandwidth(x);
    if (left_out < n) {
      outcome.held_out.push_back(form.predict(x, left_out));
    } else {
      outcome.all = x;
    }
  }
  for (size_t i = 0; i < n; ++i) outcome.fitted.push_back(form.predict(outcome.all, i));
  return outcome;
}

void Widen(Range& range, double value) {
  range.low = std::min(range.low, value);
  range.high = std::max(range.high, value);
}

Range Exactly(double value) { return {.value = value, .low = value, .high = value}; }

double ErrorPercent(double predicted, double observed) {
  return 100 * (predicted - observed) / observed;
}

Table7Fit Fit(std::span<const Table7Row> rows, const Prepared& prepared, const Form& form) {
  std::vector<double> printed;
  for (const Table7Row& row : rows) printed.push_back(row.execute_ms * 1e-3);
  const Outcome centre = Run(form, printed);

  Table7Fit fit;
  fit.form = form.name;
  fit.dram_bandwidth_bytes_per_s = Exactly(1 / centre.all[0]);
  fit.per_executed_block_s = Exactly(centre.all[1]);
  for (size_t i = 0; i < rows.size(); ++i) {
    Table7RowFit row;
    row.label = rows[i].label;
    row.execute_ms = rows[i].execute_ms;
    row.dram_bytes = static_cast<int64_t>(prepared.features[i][0]);
    row.executed_blocks = static_cast<int64_t>(prepared.features[i][1]);
    row.fitted_ms = centre.fitted[i] * 1e3;
    row.residual_percent = Exactly(ErrorPercent(centre.fitted[i], printed[i]));
    row.held_out_ms = centre.held_out[i] * 1e3;
    row.held_out_error_percent = Exactly(ErrorPercent(centre.held_out[i], printed[i]));
    fit.rows.push_back(row);
  }
  for (size_t corner = 0; corner < (size_t{1} << rows.size()); ++corner) {
    std::vector<double> seconds = printed;
    for (size_t i = 0; i < seconds.size(); ++i) {
      seconds[i] += ((corner >> i) & 1 ? kRoundingMs : -kRoundingMs) * 1e-3;
    }
    const Outcome at = Run(form, seconds);
    Widen(fit.dram_bandwidth_bytes_per_s, 1 / at.all[0]);
    Widen(fit.per_executed_block_s, at.all[1]);
    for (size_t i = 0; i < rows.size(); ++i) {
      Widen(fit.rows[i].residual_percent, ErrorPercent(at.fitted[i], seconds[i]));
      Widen(fit.rows[i].held_out_error_percent, ErrorPercent(at.held_out[i], seconds[i]));
    }
  }
  return fit;
}

}  // namespace

Table7Fit FitTable7Linear(std::span<const Table7Row> rows, const SocSpec& soc) {
  const Prepared prepared = Prepare(rows, soc);
  return Fit(rows, prepared, LinearForm(prepared));
}

Table7Fit FitTable7Full(std::span<const Table7Row> rows, const SocSpec& soc) {
  const Prepared prepared = Prepare(rows, soc);
  return Fit(rows, prepared, FullForm(prepared));
}

}  // namespace deepthin::calibrate

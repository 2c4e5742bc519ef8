#include "explorer/calibrate/validation.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "costmodel/pass_estimator.h"
#include "spec/errors.h"
#include "spec/rank_stats.h"
#include "spec/robust_stats.h"

namespace deepthin::calibrate {
namespace {

// What needs no cost model: the bytes that a token touches by the bandwidth of memory alone.
Seconds BaselineOf(const HostRows& rows, const HostRow& row, Macs macs) {
  const Bytes bytes = CountDecodeBytes(row.model, row.precision, row.context_tokens).total();
  const Seconds memory = bytes / rows.rates.reads.back().rate;
  if (row.new_tokens == 1) return memory;
  const ProductRate* nearest = nullptr;  // in tokens
  const auto ratio = [&](const ProductRate& product) {
    return std::abs(
        std::log(static_cast<double>(product.tokens) / static_cast<double>(row.new_tokens)));
  };
  for (const ProductRate& product : rows.rates.products) {
    if (product.dtype != row.precision.weights || product.tokens == 1) continue;
    if (nearest == nullptr || ratio(product) < ratio(*nearest)) nearest = &product;
  }
  return nearest == nullptr ? memory : std::max(memory, macs / nearest->rate);
}

double RelativeError(Seconds predicted, Seconds measured) { return predicted / measured - 1; }

double SpreadOf(std::span<const Seconds> rounds) {
  if (rounds.empty()) return 0;
  const auto [least, most] = std::minmax_element(rounds.begin(), rounds.end());
  return *most / *least - 1;
}

// REQUIRES: not empty.
Seconds MedianOf(std::span<const Seconds> times) {
  std::vector<double> values;
  for (const Seconds time : times) values.push_back(time.value());
  return Seconds(Median(values));
}

// How well the earlier rounds predict the later ones.
void JudgeRepeats(std::span<const ValidatedRow> rows, bool is_decode, PhaseSummary& out) {
  std::vector<double> earlier;
  std::vector<double> later;
  std::vector<double> errors;
  for (const ValidatedRow& row : rows) {
    if ((row.new_tokens == 1) != is_decode || row.later == Seconds(0)) continue;
    earlier.push_back(row.earlier.value());
    later.push_back(row.later.value());
    errors.push_back(std::abs(RelativeError(row.earlier, row.later)));
  }
  if (errors.empty()) return;
  out.repeat_median_error = Median(errors);
  out.repeat_p90_error = Quantile(errors, 0.9);
  out.repeat_kendall_tau = KendallTau(earlier, later);
}

PhaseSummary Summarise(std::span<const ValidatedRow> rows, bool is_decode,
                       const std::optional<PhaseResiduals>& residuals) {
  std::vector<double> measured;
  std::vector<double> predicted;
  std::vector<double> baseline;
  std::vector<double> errors;
  std::vector<double> baseline_errors;
  std::vector<double> spreads;
  int64_t covered = 0;
  for (const ValidatedRow& row : rows) {
    if ((row.new_tokens == 1) != is_decode) continue;
    measured.push_back(row.measured.value());
    predicted.push_back(row.predicted.value());
    baseline.push_back(row.baseline.value());
    errors.push_back(std::abs(row.error));
    spreads.push_back(row.spread);
    baseline_errors.push_back(std::abs(RelativeError(row.baseline, row.measured)));
    if (residuals && errors.back() <= residuals->p90_relative_error) ++covered;
  }
  if (errors.empty()) return {};
  return {.rows = static_cast<int64_t>(errors.size()),
          .median_error = Median(errors),
          .p90_error = Quantile(errors, 0.9),
          .kendall_tau = KendallTau(predicted, measured),
          .bars_cover = static_cast<double>(covered) / static_cast<double>(errors.size()),
          .baseline_median_error = Median(baseline_errors),
          .baseline_p90_error = Quantile(baseline_errors, 0.9),
          .baseline_kendall_tau = KendallTau(baseline, measured),
          .median_spread = Median(spreads)};
}

bool IsTwin(const HostRow& repeated, const HostRow& distinct) {
  if (repeated.model.repeat.kind == RepeatKind::kNone || repeated.new_tokens != 1) return false;
  ModelSpec twin = repeated.model;
  twin.repeat = {};
  twin.n_blocks = ExecutedBlocks(repeated.model);
  return twin == distinct.model && repeated.precision == distinct.precision &&
         distinct.new_tokens == 1 && distinct.context_tokens == repeated.context_tokens;
}

}  // namespace

Validation Validate(const HostRows& rows, const SocSpec& soc) {
  Validation out;
  std::vector<const HostRow*> held_out;
  for (const costmodel::MeasuredPass& pass : PassesOf(rows, true)) RequireCountable(pass, soc);
  for (const HostRow& row : rows.rows) {
    if (!row.is_held_out) continue;
    const costmodel::Pass pass{
        .new_tokens = row.new_tokens, .context_tokens = row.context_tokens, .batch = 1};
    const Problem problem{
        .model = row.model, .precision = row.precision, .soc = soc, .workload = {}};
    const PhaseCost cost = costmodel::EstimatePass(problem, pass).cost;
    out.rows.push_back({.architecture = row.architecture,
                        .new_tokens = row.new_tokens,
                        .context_tokens = row.context_tokens,
                        .measured = row.time,
                        .predicted = cost.time,
                        .baseline = BaselineOf(rows, row, cost.macs),
                        .error = RelativeError(cost.time, row.time),
                        .spread = SpreadOf(row.rounds)});
    if (const size_t half = row.rounds.size() / 2; half > 0) {
      const std::span<const Seconds> rounds(row.rounds);
      out.rows.back().earlier = MedianOf(rounds.first(half));
      out.rows.back().later = MedianOf(rounds.subspan(half));
    }
    held_out.push_back(&row);
  }
  if (out.rows.empty()) {
    throw InputError({"", "/rows"}, "holds no row that is held out",
                     "some (--validate measures them)");
  }
  const Residuals none;
  const Residuals& residuals = soc.residuals ? *soc.residuals : none;
  out.decode = Summarise(out.rows, true, residuals.decode);
  out.prefill = Summarise(out.rows, false, residuals.prefill);
  JudgeRepeats(out.rows, true, out.decode);
  JudgeRepeats(out.rows, false, out.prefill);
  for (size_t i = 0; i < held_out.size(); ++i) {
    for (size_t j = 0; j < held_out.size(); ++j) {
      if (!IsTwin(*held_out[i], *held_out[j])) continue;
      out.speed_ups.push_back({.repeated = out.rows[i].architecture,
                               .distinct = out.rows[j].architecture,
                               .measured = out.rows[j].measured / out.rows[i].measured,
                               .predicted = out.rows[j].predicted / out.rows[i].predicted});
    }
  }
  return out;
}

}  // namespace deepthin::calibrate

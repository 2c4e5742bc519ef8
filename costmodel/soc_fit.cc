#include "costmodel/soc_fit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "costmodel/bounded_fit.h"
#include "costmodel/estimator.h"
#include "costmodel/pass_traffic.h"
#include "spec/errors.h"
#include "spec/robust_stats.h"

namespace deepthin::costmodel {
namespace {

// Operators that cost the same, as those of all blocks do that no level serves otherwise.
struct Term {
  Op op;
  std::vector<Bytes> read;  // by level
  std::vector<Bytes> written;
  int64_t executions = 0;
};

// What a pass moves and computes: it depends on capacities alone, so that fits, which leave them as
// they are, count it once.
struct CountedPass {
  Pass pass;
  std::vector<Term> terms;
  int64_t operators = 0;
  int64_t executed_blocks = 0;
  double measured_s = 0;
};

CountedPass Count(const MeasuredPass& measured, const SocSpec& soc) {
  RequireCountable(measured, soc);
  const OpList list = BuildOpList(measured.model, measured.precision, measured.pass);
  const PassTraffic traffic = TrafficOf(list, soc);
  CountedPass counted{.pass = measured.pass,
                      .terms = {},
                      .operators = static_cast<int64_t>(list.ops.size()),
                      .executed_blocks = ExecutedBlocks(measured.model),
                      .measured_s = measured.time.value()};
  std::map<std::vector<int64_t>, size_t> known;
  for (size_t i = 0; i < list.ops.size(); ++i) {
    const Op& op = list.ops[i];
    std::vector<int64_t> key = {static_cast<int64_t>(op.kind)};
    Term term{.op = op, .read = {}, .written = {}, .executions = 1};
    for (size_t level = 0; level < traffic.levels(); ++level) {
      term.read.push_back(traffic.read(i, level));
      term.written.push_back(traffic.written(i, level));
      key.push_back(term.read.back().value());
      key.push_back(term.written.back().value());
    }
    const auto [found, is_new] = known.emplace(std::move(key), counted.terms.size());
    if (is_new) {
      counted.terms.push_back(std::move(term));
    } else {
      ++counted.terms[found->second].executions;
    }
  }
  return counted;
}

// As PassEstimator has it: docs/cost-model.md, "Time". A test holds the two together.
double TimeOf(const CountedPass& counted, const SocSpec& soc) {
  Seconds time = soc.fixed.per_token.value;
  time += static_cast<double>(counted.executed_blocks) * soc.fixed.per_executed_block.value;
  time += static_cast<double>(counted.operators) * soc.fixed.per_operator.value;
  for (const Term& term : counted.terms) {
    Seconds transfer(0);
    for (size_t level = 0; level < term.read.size(); ++level) {
      transfer = std::max(transfer,
                          TransferTime(soc.levels[level], term.read[level], term.written[level]));
    }
    const Seconds compute = ComputeTime(soc, term.op, counted.pass);
    time += static_cast<double>(term.executions) * OverlappedTime(soc, term.op, compute, transfer);
  }
  return time.value();
}

// A number that is fitted, as a cost: seconds for a byte, a MAC or an execution.
struct Knob {
  std::string path;
  double unit = 0;   // seconds, of which the fitted z are multiples
  double start = 1;  // in units
  double lower = 0;  // in units
  double stays = 1;  // as a multiple of FitOptions::start_weight: how much the start is worth
  std::function<void(SocSpec&, double)> set;
};

// A call alone says little of a call among others; and no micro-measurement says what overlaps.
constexpr double kLittle = 0.1;
constexpr double kFastest = 1e-3;  // of the start's cost of a byte or MAC

template <class Get>
Knob RateKnob(const std::string& path, SocSpec start, Get get) {
  return {.path = path,
          .unit = 1 / get(start).value(),
          .start = 1,
          .lower = kFastest,
          .stays = 1,
          .set = [get](SocSpec& soc, double cost) {
            auto& rate = get(soc);
            rate = std::decay_t<decltype(rate)>(1 / cost);
          }};
}

template <class Get>
Knob ShareKnob(const std::string& path, SocSpec start, Get get) {
  return {.path = path,
          .unit = 1,
          .start = get(start).value(),
          .lower = 0,
          .stays = kLittle,
          .set = [get](SocSpec& soc, double share) { get(soc) = Share(std::min(share, 1.0)); }};
}

void AddTime(std::vector<Knob>& knobs, const std::string& name, const SocSpec& start,
             Sourced<Seconds> FixedCosts::*cost) {
  constexpr double kWhereZero = 1e-5;  // seconds
  const double at = (start.fixed.*cost).value.value();
  knobs.push_back(
      {.path = "fixed." + name,
       .unit = at > 0 ? at : kWhereZero,
       .start = at > 0 ? 1.0 : 0.0,
       .lower = 0,
       .stays = kLittle,
       .set = [cost](SocSpec& soc, double value) { (soc.fixed.*cost).value = Seconds(value); }});
}

// The numbers of a rate that it may lack.
void AddOptional(std::vector<Knob>& knobs, const std::string& path, size_t i, const SocSpec& start,
                 const FitOptions& options) {
  const ComputeRate& rate = start.compute[i];
  if (rate.one_token) {
    knobs.push_back(
        RateKnob(path + ".one_token_macs_per_s", start,
                 [i](SocSpec& soc) -> MacsPerSecond& { return soc.compute[i].one_token->value; }));
    knobs.back().stays = options.one_token_trust;
  }
  if (rate.unpack) {
    knobs.push_back(
        RateKnob(path + ".unpack_bytes_per_s", start,
                 [i](SocSpec& soc) -> BytesPerSecond& { return soc.compute[i].unpack->value; }));
  }
  if (!rate.exposed) return;
  knobs.push_back(ShareKnob(path + ".exposed_share", start,
                            [i](SocSpec& soc) -> Share& { return soc.compute[i].exposed->value; }));
}

// REQUIRES: start.attention.
void AddAttention(std::vector<Knob>& knobs, const SocSpec& start) {
  knobs.push_back(RateKnob("attention.peak_macs_per_s", start, [](SocSpec& soc) -> MacsPerSecond& {
    return soc.attention->peak.value;
  }));
  if (start.attention->one_token) {
    knobs.push_back(
        RateKnob("attention.one_token_macs_per_s", start,
                 [](SocSpec& soc) -> MacsPerSecond& { return soc.attention->one_token->value; }));
  }
  if (start.attention->kv_unpack) {
    knobs.push_back(
        RateKnob("attention.kv_unpack_bytes_per_s", start,
                 [](SocSpec& soc) -> BytesPerSecond& { return soc.attention->kv_unpack->value; }));
  }
  if (start.attention->exposed) {
    knobs.push_back(ShareKnob("attention.exposed_share", start, [](SocSpec& soc) -> Share& {
      return soc.attention->exposed->value;
    }));
  }
}

// Levels from `begin` to `end`, whose rates keep their ratios.
Knob BandwidthKnob(const SocSpec& start, size_t begin, size_t end, const FitOptions& options) {
  std::vector<double> ratios;
  const double first = start.levels[begin].read_bandwidth.value.value();
  for (size_t i = begin; i < end; ++i) {
    ratios.push_back(start.levels[i].read_bandwidth.value.value() / first);
  }
  return {.path = "levels." + std::to_string(begin) + ".read_bandwidth_bytes_per_s",
          .unit = 1 / first,
          .start = 1,
          .lower = kFastest,
          .stays = options.bandwidth_trust,
          .set = [begin, ratios](SocSpec& soc, double cost) {
            for (size_t i = 0; i < ratios.size(); ++i) {
              MemoryLevel& level = soc.levels[begin + i];
              level.read_bandwidth.value = BytesPerSecond(ratios[i] / cost);
              level.write_bandwidth.value = level.read_bandwidth.value;
            }
          }};
}

std::vector<Knob> KnobsOf(const SocSpec& start, const FitOptions& options) {
  std::vector<Knob> knobs;
  const size_t dram = DramLevel(start);
  if (dram > 0) knobs.push_back(BandwidthKnob(start, 0, dram, options));
  knobs.push_back(BandwidthKnob(start, dram, dram + 1, options));
  for (size_t i = 0; i < start.compute.size(); ++i) {
    const std::string path = "compute." + std::to_string(i);
    knobs.push_back(RateKnob(path + ".peak_macs_per_s", start, [i](SocSpec& soc) -> MacsPerSecond& {
      return soc.compute[i].peak.value;
    }));
    AddOptional(knobs, path, i, start, options);
  }
  if (start.attention) AddAttention(knobs, start);
  if (start.elementwise) {
    knobs.push_back(RateKnob("elementwise_bytes_per_s", start, [](SocSpec& soc) -> BytesPerSecond& {
      return soc.elementwise->value;
    }));
  }
  AddTime(knobs, "per_operator_s", start, &FixedCosts::per_operator);
  AddTime(knobs, "per_executed_block_s", start, &FixedCosts::per_executed_block);
  AddTime(knobs, "per_token_s", start, &FixedCosts::per_token);
  return knobs;
}

class Fitter {
 public:
  Fitter(const SocSpec& start, std::span<const MeasuredPass> measured, const FitOptions& options)
      : start_(start), options_(options), knobs_(KnobsOf(start, options)) {
    for (const MeasuredPass& pass : measured) counted_.push_back(Count(pass, start));
  }

  // On the passes `rows`.
  [[nodiscard]] BoundedFitResult Fit(const std::vector<size_t>& rows) const {
    SocSpec soc = start_;
    const ErrorFunction errors = [&](const Eigen::VectorXd& z) {
      Turn(soc, z);
      Eigen::VectorXd out(static_cast<Eigen::Index>(rows.size()));
      for (size_t i = 0; i < rows.size(); ++i) {
        out[static_cast<Eigen::Index>(i)] = ErrorOf(rows[i], soc);
      }
      return out;
    };
    const auto n = static_cast<Eigen::Index>(knobs_.size());
    FitBounds bounds{.start = Eigen::VectorXd(n),
                     .lower = Eigen::VectorXd(n),
                     .start_weight = Eigen::VectorXd(n)};
    for (Eigen::Index k = 0; k < n; ++k) {
      const Knob& knob = knobs_[static_cast<size_t>(k)];
      bounds.start[k] = knob.start;
      bounds.lower[k] = knob.lower;
      bounds.start_weight[k] = options_.start_weight * knob.stays;
    }
    return FitBounded(errors, bounds);
  }

  [[nodiscard]] SocSpec At(const Eigen::VectorXd& z) const {
    SocSpec soc = start_;
    Turn(soc, z);
    const auto below_peak = [](auto& rate) {
      if (rate.one_token) rate.one_token->value = std::min(rate.one_token->value, rate.peak.value);
    };
    for (ComputeRate& rate : soc.compute) below_peak(rate);
    const size_t dram = DramLevel(soc);
    for (size_t i = 0; i < dram; ++i) {
      MemoryLevel& level = soc.levels[i];
      level.read_bandwidth.value =
          std::max(level.read_bandwidth.value, soc.levels[dram].read_bandwidth.value);
      level.write_bandwidth.value = level.read_bandwidth.value;
    }
    if (soc.attention && !soc.attention->kv_unpack) below_peak(*soc.attention);
    return soc;
  }
  [[nodiscard]] double ErrorOf(size_t row, const SocSpec& soc) const {
    return TimeOf(counted_[row], soc) / counted_[row].measured_s - 1;
  }
  [[nodiscard]] std::string PathOf(size_t knob) const { return knobs_[knob].path; }

 private:
  void Turn(SocSpec& soc, const Eigen::VectorXd& z) const {
    for (size_t k = 0; k < knobs_.size(); ++k) {
      knobs_[k].set(soc, knobs_[k].unit * z[static_cast<Eigen::Index>(k)]);
    }
  }

  SocSpec start_;
  FitOptions options_;
  std::vector<Knob> knobs_;
  std::vector<CountedPass> counted_;
};

std::vector<size_t> AllRows(size_t n) {
  std::vector<size_t> rows(n);
  for (size_t i = 0; i < n; ++i) rows[i] = i;
  return rows;
}

// The errors of each pass by a fit that had none of its architecture; of the one fit where all
// passes are of one.
void HoldOut(const Fitter& fitter, std::span<const MeasuredPass> passes,
             std::vector<FitError>& errors) {
  std::map<int64_t, std::vector<size_t>> architectures;
  for (size_t i = 0; i < passes.size(); ++i) architectures[passes[i].architecture].push_back(i);
  for (const auto& [architecture, held_out] : architectures) {
    std::vector<size_t> others;
    for (size_t i = 0; i < passes.size(); ++i) {
      if (passes[i].architecture != architecture) others.push_back(i);
    }
    const SocSpec soc = fitter.At(fitter.Fit(others.empty() ? held_out : others).z);
    for (const size_t i : held_out) errors[i].held_out = fitter.ErrorOf(i, soc);
  }
}

}  // namespace

void RequireCountable(const MeasuredPass& measured, const SocSpec& soc) {
  const Pass& pass = measured.pass;
  const Problem problem{.model = measured.model,
                        .precision = measured.precision,
                        .soc = soc,
                        .workload = {.prompt_tokens = pass.new_tokens,
                                     .generated_tokens = std::max<int64_t>(1, pass.context_tokens),
                                     .batch = pass.batch}};
  Validate(problem.soc);
  Validate(problem.model);
  Validate(problem.workload);
  RequireCountable(problem);
  if (std::isfinite(measured.time.value()) && measured.time > Seconds(0)) return;
  throw InputError({"", ""},
                   "a pass was measured to take " + std::to_string(measured.time.value()) + " s",
                   "a positive time");
}

SocFit FitSoc(const SocSpec& start, std::span<const MeasuredPass> passes,
              const FitOptions& options) {
  return FitBestSoc({&start, 1}, passes, options);
}

SocFit FitBestSoc(std::span<const SocSpec> starts, std::span<const MeasuredPass> passes,
                  const FitOptions& options) {
  DEEPTHIN_CHECK(!starts.empty() && !passes.empty());
  std::optional<Fitter> best;
  BoundedFitResult result;
  double least = std::numeric_limits<double>::infinity();
  for (const SocSpec& start : starts) {
    Fitter fitter(start, passes, options);
    BoundedFitResult tried = fitter.Fit(AllRows(passes.size()));
    if (tried.loss >= least) continue;
    least = tried.loss;
    result = std::move(tried);
    best.emplace(std::move(fitter));
  }
  SocFit fit;
  fit.soc = best->At(result.z);
  fit.errors.resize(passes.size());
  std::vector<double> sizes;
  for (size_t i = 0; i < passes.size(); ++i) {
    fit.errors[i].fitted = best->ErrorOf(i, fit.soc);
    sizes.push_back(std::abs(fit.errors[i].fitted));
  }
  fit.spread = Median(sizes);
  HoldOut(*best, passes, fit.errors);
  const std::vector<bool> undetermined = UndeterminedColumns(result.jacobian);
  for (size_t k = 0; k < undetermined.size(); ++k) {
    if (undetermined[k]) fit.undetermined.push_back(best->PathOf(k));
  }
  return fit;
}

PhaseResiduals ResidualsOf(std::span<const double> errors) {
  DEEPTHIN_CHECK(!errors.empty());
  std::vector<double> sizes;
  for (const double error : errors) sizes.push_back(std::abs(error));
  const auto n = static_cast<double>(sizes.size());
  return {.measurements = static_cast<int64_t>(sizes.size()),
          .median_relative_error = Median(sizes),
          .p90_relative_error = Quantile(sizes, std::min(1.0, 0.9 * (n + 1) / n))};
}

}  // namespace deepthin::costmodel

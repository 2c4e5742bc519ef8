#include "explorer/candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "spec/robust_stats.h"

namespace deepthin::explorer {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

struct Column {
  std::string name;
  std::string (*text)(const Candidate&);
};

template <class Part, class F>
std::string Of(const std::optional<Part>& part, F&& text) {
  return part ? text(*part) : std::string();
}

// Empty where nothing was sampled, as the prompt where decoding alone was measured.
std::string StatisticOf(double (*statistic)(std::span<const double>),
                        std::span<const double> samples) {
  return samples.empty() ? std::string() : fmt::format("{}", statistic(samples));
}

// One list for heads and cells. Names end in their unit.
const std::vector<Column>& Columns() {
  using C = Candidate;
  static const std::vector<Column> columns = {
      {"sweep", [](const C& c) { return c.sweep; }},
      {"label", [](const C& c) { return c.label; }},
      {"params_matrices",
       [](const C& c) {
         return Of(c.problem, [](const auto& p) {
           return fmt::format("{}", CountParams(p.model).matrices());
         });
       }},
      {"params_with_norms",
       [](const C& c) {
         return Of(c.problem,
                   [](const auto& p) { return fmt::format("{}", CountParams(p.model).total()); });
       }},
      {"soc", [](const C& c) { return Of(c.problem, [](const auto& p) { return p.soc.name; }); }},
      {"proxy", [](const C& c) { return Of(c.score, [](const auto& s) { return s.proxy; }); }},
      {"score",
       [](const C& c) {
         return Of(c.score, [](const auto& s) { return fmt::format("{}", s.value); });
       }},
      {"validation_loss",
       [](const C& c) {
         return Of(c.training, [](const auto& t) {
           return Of(t.validation_loss, [](double loss) { return fmt::format("{}", loss); });
         });
       }},
      {"training_tokens",
       [](const C& c) {
         return Of(c.training, [](const auto& t) { return fmt::format("{}", t.tokens); });
       }},
      {"measured_threads",
       [](const C& c) {
         return Of(c.measurement, [](const auto& m) { return fmt::format("{}", m.threads); });
       }},
      {"measured_decode_median_s",
       [](const C& c) {
         return Of(c.measurement,
                   [](const auto& m) { return StatisticOf(Median, m.decode_s_per_token); });
       }},
      {"measured_decode_mad_s",
       [](const C& c) {
         return Of(c.measurement,
                   [](const auto& m) { return StatisticOf(Mad, m.decode_s_per_token); });
       }},
      {"measured_prefill_median_s",
       [](const C& c) {
         return Of(c.measurement, [](const auto& m) { return StatisticOf(Median, m.prefill_s); });
       }},
      {"measured_load_average",
       [](const C& c) {
         return Of(c.measurement,
                   [](const auto& m) { return fmt::format("{}", m.host.load_average); });
       }},
      {"measured_commit",
       [](const C& c) { return Of(c.measurement, [](const auto& m) { return m.host.commit; }); }},
      {"estimated_decode_s",
       [](const C& c) {
         return Of(c.estimate,
                   [](const auto& e) { return fmt::format("{}", e.decode.time.value()); });
       }},
      {"estimated_prefill_s",
       [](const C& c) {
         return Of(c.estimate,
                   [](const auto& e) { return fmt::format("{}", e.prefill.time.value()); });
       }},
      {"estimated_decode_dram_bytes",
       [](const C& c) {
         return Of(c.estimate,
                   [](const auto& e) { return fmt::format("{}", e.decode.dram_bytes.value()); });
       }},
      {"estimated_peak_memory_bytes",
       [](const C& c) {
         return Of(c.estimate,
                   [](const auto& e) { return fmt::format("{}", e.peak_memory.value()); });
       }},
      {"cost_model",
       [](const C& c) {
         return Of(c.estimate, [](const auto& e) { return e.model_name + " " + e.model_version; });
       }},
      {"remarks", [](const C& c) { return fmt::format("{}", fmt::join(c.remarks, "; ")); }},
  };
  return columns;
}

}  // namespace

Candidate ToCandidate(const std::string& sweep, const results::PointResult& result) {
  Candidate out{.sweep = sweep, .label = result.point.label};
  if (const auto* problem = std::get_if<Problem>(&result.point.problem)) out.problem = *problem;
  for (const auto& entry : result.trials) {
    const results::Trial& trial = entry.second;
    std::visit(
        Overloaded{
            [&](const CostEstimate& estimate) { out.estimate = estimate; },
            [&](const Measurement& measurement) { out.measurement = measurement; },
            [&](const ProxyScore& score) { out.score = score; },
            [&](const TrainingRecord& training) {
              out.training = training;
              if (training.diverged)
                out.remarks.push_back(fmt::format("training diverged at step {}", training.steps));
            },
            [&](const results::Infeasible& infeasible) {
              const std::string text = "infeasible: " + infeasible.reason;
              if (std::find(out.remarks.begin(), out.remarks.end(), text) == out.remarks.end())
                out.remarks.push_back(text);
            },
            [&](const results::Failure& failure) {
              out.remarks.push_back(trial.evaluator + " failed: " + failure.message);
            },
        },
        trial.outcome);
  }
  return out;
}

std::vector<Candidate> CandidatesOf(results::Store& store, const results::SweepRecord& sweep) {
  std::vector<Candidate> out;
  for (const results::PointResult& result : store.Results(sweep.hash)) {
    out.push_back(ToCandidate(sweep.name, result));
  }
  return out;
}

std::vector<Candidate> AllCandidates(results::Store& store) {
  std::vector<Candidate> out;
  std::map<std::string, size_t> by_problem;
  for (const results::SweepRecord& sweep : store.Sweeps()) {
    for (Candidate& candidate : CandidatesOf(store, sweep)) {
      if (!candidate.problem) continue;
      const std::string hash = ContentHash(deepthin::ToJson(*candidate.problem));
      const auto [known, is_new] = by_problem.emplace(hash, out.size());
      if (is_new) {
        out.push_back(std::move(candidate));
        continue;
      }
      Candidate& first = out[known->second];
      if (candidate.score) first.score = std::move(candidate.score);
      if (candidate.training) first.training = std::move(candidate.training);
      if (candidate.measurement) first.measurement = std::move(candidate.measurement);
      if (candidate.estimate) first.estimate = std::move(candidate.estimate);
    }
  }
  return out;
}

Json ToJson(const Candidate& candidate) {
  Json out = {{"sweep", candidate.sweep}, {"label", candidate.label}};
  if (candidate.problem) {
    const ParamCounts params = CountParams(candidate.problem->model);
    out["params_matrices"] = params.matrices();
    out["params_with_norms"] = params.total();
    out["problem"] = deepthin::ToJson(*candidate.problem);
  }
  if (candidate.score) out["score"] = deepthin::ToJson(*candidate.score);
  if (candidate.training) out["training"] = deepthin::ToJson(*candidate.training);
  if (candidate.measurement) {
    out["measurement"] = deepthin::ToJson(*candidate.measurement);
    if (const auto& decode = candidate.measurement->decode_s_per_token; !decode.empty()) {
      out["measured_decode_median_s"] = Median(decode);
      out["measured_decode_mad_s"] = Mad(decode);
    }
  }
  if (candidate.estimate) out["estimate"] = deepthin::ToJson(*candidate.estimate);
  out["remarks"] = candidate.remarks;
  return out;
}

std::vector<std::string> CsvColumns() {
  std::vector<std::string> out;
  for (const Column& column : Columns()) out.push_back(column.name);
  return out;
}

std::vector<std::string> CsvRow(const Candidate& candidate) {
  std::vector<std::string> out;
  for (const Column& column : Columns()) out.push_back(column.text(candidate));
  return out;
}

}  // namespace deepthin::explorer

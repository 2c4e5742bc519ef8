#include "explorer/cli/candidate_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "explorer/cli/human.h"
#include "explorer/cli/table.h"
#include "runtime/measuring/measure.h"
#include "spec/robust_stats.h"

namespace deepthin::explorer {
namespace {

struct Column {
  TableColumn head;
  bool (*is_known)(const Candidate&);
  std::string (*cell)(const Candidate&);
};

std::string MeasuredCell(const Candidate& c) {
  return HumanMilliseconds(Median(c.measurement->decode_s_per_token));
}

std::string SpreadCell(const Candidate& c) {
  return fmt::format("{}{}", HumanMilliseconds(Mad(c.measurement->decode_s_per_token)),
                     runtime::IsNoisy(*c.measurement) ? " !" : "");
}

bool HasProblem(const Candidate& c) { return c.problem.has_value(); }
bool HasScore(const Candidate& c) { return c.score.has_value(); }
bool HasValidation(const Candidate& c) { return c.training && c.training->validation_loss; }
bool HasDecodeSamples(const Candidate& c) {
  return c.measurement && !c.measurement->decode_s_per_token.empty();
}
bool HasPrefillSamples(const Candidate& c) {
  return c.measurement && !c.measurement->prefill_s.empty();
}
bool HasEstimate(const Candidate& c) { return c.estimate.has_value(); }

const std::vector<Column>& Columns() {
  using C = Candidate;
  static const std::vector<Column> columns = {
      {{"architecture", Align::kLeft},
       [](const C&) { return true; },
       [](const C& c) { return c.label; }},
      {{"params"},
       HasProblem,
       [](const C& c) { return HumanCount(CountParams(c.problem->model).matrices()); }},
      {{"decoder params"},
       HasScore,
       [](const C& c) {
         return c.score->proxy == "decoder_params"
                    ? HumanCount(static_cast<int64_t>(c.score->value))
                    : fmt::format("{:.4g} ({})", c.score->value, c.score->proxy);
       }},
      {{"trained loss"},
       HasValidation,
       [](const C& c) { return fmt::format("{:.4f}", *c.training->validation_loss); }},
      {{"trained tokens"},
       [](const C& c) { return c.training.has_value(); },
       [](const C& c) { return HumanCount(c.training->tokens); }},
      {{"measured ms/token"}, HasDecodeSamples, MeasuredCell},
      {{"+-MAD"}, HasDecodeSamples, SpreadCell},
      {{"measured TTFT ms"},
       HasPrefillSamples,
       [](const C& c) { return fmt::format("{:.1f}", 1e3 * Median(c.measurement->prefill_s)); }},
      {{"estimated ms/token"},
       HasEstimate,
       [](const C& c) { return HumanMilliseconds(c.estimate->decode.time.value()); }},
      {{"DRAM MB/token"},
       HasEstimate,
       [](const C& c) {
         return fmt::format("{:.1f}", ToMegabytes(c.estimate->decode.dram_bytes));
       }},
      {{"remarks", Align::kLeft},
       [](const C& c) { return !c.remarks.empty(); },
       [](const C& c) { return fmt::format("{}", fmt::join(c.remarks, "; ")); }},
  };
  return columns;
}

// What the figures are of: host and protocol of the measurements, SoC and model of the estimates.
std::string Legend(const std::vector<Candidate>& candidates) {
  std::set<std::string> lines;
  bool any_noisy = false;
  for (const Candidate& c : candidates) {
    if (c.measurement) {
      const Measurement& m = *c.measurement;
      lines.insert(fmt::format(
          "measured: random weights in {} on {}, {} threads, {}, median of {} repeats, commit {}",
          ToText(m.precision.weights), m.host.cpu_model, m.threads, m.host.isa,
          m.decode_s_per_token.size(), m.host.commit));
      any_noisy = any_noisy || runtime::IsNoisy(m);
    }
    if (c.training) {
      lines.insert(fmt::format("trained: loss of the validation text in nats per token, seed {}",
                               c.training->seed));
    }
    if (c.estimate && c.problem) {
      lines.insert(fmt::format("estimated: {} in {} after {} tokens, {} {}", c.problem->soc.name,
                               ToText(c.problem->precision.weights),
                               c.estimate->decode.context_tokens, c.estimate->model_name,
                               c.estimate->model_version));
    }
  }
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  if (any_noisy) out += "! the samples spread too widely for this figure to be used in a choice\n";
  return out;
}

}  // namespace

std::string CandidateTable(const std::vector<Candidate>& candidates) {
  std::vector<const Column*> used;
  std::vector<TableColumn> heads;
  for (const Column& column : Columns()) {
    if (!std::any_of(candidates.begin(), candidates.end(), column.is_known)) continue;
    used.push_back(&column);
    heads.push_back(column.head);
  }
  Table table(heads);
  for (const Candidate& candidate : candidates) {
    std::vector<std::string> cells;
    cells.reserve(used.size());
    for (const Column* column : used) {
      cells.push_back(column->is_known(candidate) ? column->cell(candidate) : "-");
    }
    table.Row(std::move(cells));
  }
  return table.ToString() + Legend(candidates);
}

}  // namespace deepthin::explorer

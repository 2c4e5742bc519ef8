// deepthin estimate
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "costmodel/breakdown.h"
#include "costmodel/estimator.h"
#include "costmodel/generation.h"
#include "costmodel/session.h"
#include "costmodel/soc_presets.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/leanings.h"
#include "explorer/cli/simulation_report.h"
#include "explorer/cli/table.h"
#include "explorer/error_bar.h"
#include "explorer/sources.h"
#include "spec/argument.h"
#include "spec/files.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {
namespace {

struct NamedEstimate {
  std::string model;
  Problem problem;
  CostEstimate estimate;
};

std::string Energy(const std::optional<Joules>& energy) {
  return energy ? fmt::format("{:.2f} mJ", energy->value() * 1e3) : "-";
}

void PrintComparison(const std::vector<NamedEstimate>& estimates) {
  Table table({{"model", Align::kLeft},
               {"params"},
               {"ms/token"},
               {"tokens/s"},
               {"TTFT ms"},
               {"DRAM/token"},
               {"peak memory"},
               {"energy/token"},
               {"limited by", Align::kLeft}});
  for (const auto& [name, problem, e] : estimates) {
    table.Row({name, HumanCount(CountParams(problem.model).matrices()),
               fmt::format("{:.2f}", ToMilliseconds(e.decode.time)),
               fmt::format("{:.1f}", 1 / e.decode.time.value()),
               fmt::format("{:.1f}", ToMilliseconds(e.prefill.time)),
               HumanBytes(e.decode.dram_bytes),
               HumanBytes(e.peak_memory) + (e.fits_memory ? "" : " (does not fit)"),
               Energy(e.decode.energy), e.decode.limited_by});
  }
  fmt::print("{}", table.ToString());
}

// Levels from which something comes or to which it goes; a calibrated host has many that do not.
template <class Rows>
std::vector<size_t> UsedLevels(const Rows& rows) {
  std::vector<size_t> used;
  for (size_t i = 0; i < rows.front().traffic.size(); ++i) {
    const bool moves = std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
      return row.traffic[i].read + row.traffic[i].written > Bytes(0);
    });
    if (moves) used.push_back(i);
  }
  return used;
}

void PrintOperators(const std::string& title, const PhaseCost& phase) {
  std::vector<TableColumn> columns = {{"operator", Align::kLeft}, {"times"}, {"MMAC"}};
  if (phase.operators.empty()) return;
  const std::vector<size_t> used = UsedLevels(phase.operators);
  for (const size_t i : used) {
    columns.push_back({phase.operators.front().traffic[i].level + " MB"});
  }
  columns.push_back({"us"});
  columns.push_back({"share"});
  columns.push_back({"limited by", Align::kLeft});
  Table table(std::move(columns));
  for (const OperatorCost& op : phase.operators) {
    std::vector<std::string> cells = {
        op.name, std::to_string(op.executions),
        fmt::format("{:.2f}", 1e-6 * static_cast<double>(op.macs.value()))};
    for (const size_t i : used) {
      const LevelTraffic& level = op.traffic[i];
      cells.push_back(fmt::format("{:.3f}", ToMegabytes(level.read + level.written)));
    }
    cells.push_back(fmt::format("{:.1f}", ToMicroseconds(op.time)));
    cells.push_back(fmt::format("{:.1f} %", 100 * (op.time / phase.time)));
    cells.push_back(op.limited_by);
    table.Row(std::move(cells));
  }
  fmt::print("\n{}: {}, {} tokens in the KV cache before\n{}", title, HumanTime(phase.time),
             phase.context_tokens, table.ToString());
}

void PrintOperands(const std::vector<costmodel::OperandCost>& operands) {
  std::vector<TableColumn> columns = {{"of one decoded token", Align::kLeft}};
  const std::vector<size_t> used = UsedLevels(operands);
  for (const size_t i : used) {
    const std::string& level = operands.front().traffic[i].level;
    columns.push_back({level + " MB read"});
    columns.push_back({level + " MB written"});
    columns.push_back({level + " us"});
  }
  Table table(std::move(columns));
  for (const costmodel::OperandCost& operand : operands) {
    std::vector<std::string> cells = {std::string(ToText(operand.operand))};
    for (const size_t i : used) {
      const LevelTraffic& level = operand.traffic[i];
      cells.push_back(fmt::format("{:.3f}", ToMegabytes(level.read)));
      cells.push_back(fmt::format("{:.3f}", ToMegabytes(level.written)));
      cells.push_back(fmt::format("{:.1f}", ToMicroseconds(level.time)));
    }
    table.Row(std::move(cells));
  }
  fmt::print("\n{}", table.ToString());
}

void PrintReplacement(const costmodel::ReplacementBytes& bytes) {
  fmt::print(
      "\nDRAM bytes of that token by what SRAM keeps: used last (lru) {}, best fixed choice "
      "(pinned) {}; no policy goes below {}\n",
      HumanBytes(bytes.lru), HumanBytes(bytes.pinned), HumanBytes(bytes.bound));
}

// The whole generation, and where its course jumps by more than a hundredth of a token's time.
void PrintGeneration(const costmodel::GenerationCost& cost, const Workload& work) {
  const auto& segments = cost.segments;
  fmt::print(
      "\nall {} tokens: {}, {} from DRAM, {} a token on average; the first (context {}) {}, "
      "the last (context {}) {}\n",
      work.generated_tokens, HumanTime(cost.time), HumanBytes(cost.dram_bytes),
      HumanTime(Seconds(cost.time.value() / static_cast<double>(work.generated_tokens))),
      segments.front().first_context, HumanTime(segments.front().first_time),
      segments.back().last_context, HumanTime(segments.back().last_time));
  for (size_t i = 1; i < segments.size(); ++i) {
    const Seconds before = segments[i - 1].last_time;
    const Seconds after = segments[i].first_time;
    if (after.value() < 1.01 * before.value()) continue;
    fmt::print(
        "  from context {} on less stays on chip: {} a token instead of {}, {} from DRAM "
        "instead of {}\n",
        segments[i].first_context, HumanTime(after), HumanTime(before),
        HumanBytes(segments[i].first_dram), HumanBytes(segments[i - 1].last_dram));
  }
}

void PrintSession(const NamedEstimate& row) {
  const costmodel::SessionCost session = costmodel::SessionOf(row.problem, row.estimate);
  if (session.load) {
    fmt::print("\nloading {} from flash: {}\n", HumanBytes(row.estimate.weight_bytes),
               HumanTime(*session.load));
  }
  if (session.init) fmt::print("preparing its stored blocks: {}\n", HumanTime(*session.init));
  if (session.sustained_token) {
    fmt::print("when the device is hot: {:.1f} tokens/s, {} each\n",
               1 / session.sustained_token->value(), HumanTime(*session.sustained_token));
  }
  if (!session.decode_power) return;
  fmt::print("decoding: {:.2f} W in memory and arithmetic, without screen and system",
             *session.decode_power);
  if (session.battery) {
    fmt::print("; {:.0f} minutes and {} tokens of a full battery", session.battery->value() / 60,
               HumanCount(std::llround(std::min(*session.tokens_of_a_charge, 1e18))));
  }
  fmt::print("\n");
}

void PrintAllSources(const SocSpec& soc) {
  Table table({{"number", Align::kLeft}, {"value"}, {"source", Align::kLeft}});
  for (const SourcedNumber& number : SourcedNumbers(soc)) {
    table.Row({number.path, fmt::format("{:.6g}", number.value), number.source});
  }
  fmt::print("\n{}", table.ToString());
}

void PrintErrorBars(const std::vector<NamedEstimate>& estimates) {
  const SocSpec& soc = estimates.front().problem.soc;
  if (!soc.residuals) {
    fmt::print("\nno error bars: no measured models stand behind the numbers of {}\n", soc.name);
    return;
  }
  if (HasUserNumbers(soc)) {
    fmt::print("\nno error bars: {} was measured as it is, not with your changes\n", soc.name);
    return;
  }
  fmt::print("\n90 % error bars, from what estimates for {} missed by on {} measured models:\n",
             soc.name, soc.residuals->architectures);
  for (const auto& [name, problem, e] : estimates) {
    std::string text;
    const auto add = [&](const char* phase, const std::optional<ErrorBar>& bar) {
      if (!bar) return;
      text += fmt::format("{}{} {:.2f} .. {:.2f} ms", text.empty() ? "" : ", ", phase,
                          ToMilliseconds(bar->low), ToMilliseconds(bar->high));
    };
    add("token", DecodeBar(problem, e));
    add("prompt", PrefillBar(problem, e));
    fmt::print("  {}: {}\n", name, text);
  }
}

Json BarJson(const std::optional<ErrorBar>& bar) {
  if (!bar) return nullptr;
  return {{"low_s", bar->low.value()}, {"high_s", bar->high.value()}};
}

// Of each assumption, what it does to the model that it moves most.
std::vector<Leaning> LeaningsOf(const std::vector<NamedEstimate>& estimates) {
  std::vector<Leaning> all;
  for (const NamedEstimate& row : estimates) {
    MergeLeanings(all, LeansOn(row.problem, row.estimate));
  }
  return all;
}

void WriteTrace(const std::string& path, const NamedEstimate& row, const TokenSimulation& token) {
  const std::string title = fmt::format("{} on {}, simulated", row.model, token.soc.name);
  WriteFileAtomically(path, SimulationTrace(token, row.problem.model, title).dump() + "\n");
  fmt::print(stderr, "simulated timeline of {} written to {}\n", row.model, path);
}

}  // namespace

int RunEstimate(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin estimate MODEL... [options]",
       .text =
           "Predicts prefill (TTFT), decode, DRAM bytes, peak memory and energy of a model on an\n"
           "SoC with the analytical cost model. For one model: where the time of a token goes,\n"
           "operator by operator and by what the bytes are, and how it grows with the context.\n"
           "These are predictions; 'deepthin measure' has a clock.",
       .examples = {"deepthin estimate mobilellm-125m --soc iphone-13",
                    "deepthin estimate mobilellm-125m mobilellm-ls-125m --soc iphone-13",
                    "deepthin estimate mobilellm-ls-125m --set soc.levels.0.capacity_bytes=4194304",
                    "deepthin estimate mobilellm-ls-125m --simulate --perfetto token.json",
                    "deepthin estimate my.json --soc my-soc.json --prompt 512 --json"}});
  line.Text("soc", "SoC preset or JSON file", "iphone-13")
      .Text("precision", "f32, f16, bf16, q8_0, q4_0 or w8a8", "f16")
      .Text("prompt", "tokens of the prompt", "64")
      .Text("generate", "tokens that are generated", "32")
      .Text("batch", "requests at once", "1")
      .List("set", "override a key of the problem, as model.n_blocks=12; may be given again")
      .Flag("sources", "list every hardware number with its source")
      .Flag("simulate", "follow one decoded token line by line through the caches as well")
      .Text("perfetto", "write the simulated token of the first model as a timeline to this file")
      .Text("line", "what the simulation moves at once; default: 4KiB")
      .Positional("MODEL", 1, -1);
  if (!line.Parse(arguments)) return 0;
  const auto trace = line.GetFilled("perfetto");
  if (trace) RequireWritable(*trace);
  const bool simulates = line.Has("simulate") || trace;
  if (line.Get("line") && !simulates)
    throw InputError({"command line", "--line"}, "is given", "it beside --simulate or --perfetto");
  const Bytes tile = BytesFromText(line.Get("line").value_or("4KiB"), "line");

  const SocSpec soc = costmodel::SocFromArgument(*line.Get("soc"));
  std::vector<NamedEstimate> estimates;
  for (const std::string& name : line.positional()) {
    Json json = ToJson(Problem{.model = ModelFromArgument(name),
                               .precision = PrecisionFromArgument(*line.Get("precision")),
                               .soc = soc,
                               .workload = {.prompt_tokens = line.GetInt("prompt", 1, 1 << 24),
                                            .generated_tokens = line.GetInt("generate", 1, 1 << 24),
                                            .batch = line.GetInt("batch", 1, 1 << 16)}});
    ApplyOverrides(json, "--set", line.GetList("set"));
    const auto problem = FromJson<Problem>(json, {name, ""});
    Validate(problem, {name, ""});
    estimates.push_back({name, problem, costmodel::Estimate(problem)});
  }
  std::vector<TokenSimulation> simulations;
  if (simulates) {
    const size_t wanted = line.Has("simulate") ? estimates.size() : 1;
    for (size_t i = 0; i < wanted; ++i) {
      simulations.push_back(SimulateToken(estimates[i].problem, tile));
    }
  }
  if (trace) WriteTrace(*trace, estimates.front(), simulations.front());
  if (line.json()) {
    Json rows = Json::array();
    for (const auto& [name, problem, estimate] : estimates) {
      rows.push_back({{"model", name},
                      {"problem", ToJson(problem)},
                      {"estimate", ToJson(estimate)},
                      {"decode_error_bar_90", BarJson(DecodeBar(problem, estimate))},
                      {"prefill_error_bar_90", BarJson(PrefillBar(problem, estimate))},
                      {"generation", ToJson(costmodel::EstimateGeneration(problem))},
                      {"prefill_operands", ToJson(costmodel::PrefillOperands(problem))},
                      {"decode_operands", ToJson(costmodel::DecodeOperands(problem))},
                      {"decode_by_replacement", ToJson(costmodel::DecodeByReplacement(problem))},
                      {"session", ToJson(costmodel::SessionOf(problem, estimate))},
                      {"leans_on", LeaningsAsJson(LeansOn(problem, estimate))}});
    }
    if (line.Has("simulate")) {
      for (size_t i = 0; i < rows.size(); ++i) {
        rows[i]["simulation"] = SimulationJson(simulations[i]);
      }
    }
    fmt::print("{}\n", rows.dump(2));
    return 0;
  }
  const Problem& first = estimates.front().problem;
  const std::string batch =
      first.workload.batch > 1 ? fmt::format(", batch {}", first.workload.batch) : "";
  fmt::print("estimated for {} in {}, prompt {}, generating {}{}, by {} {}\n\n", first.soc.name,
             PrecisionText(first.precision), first.workload.prompt_tokens,
             first.workload.generated_tokens, batch, estimates.front().estimate.model_name,
             estimates.front().estimate.model_version);
  PrintComparison(estimates);
  PrintErrorBars(estimates);
  if (estimates.size() == 1) {
    PrintOperators("one decoded token", estimates[0].estimate.decode);
    PrintOperands(costmodel::DecodeOperands(first));
    PrintReplacement(costmodel::DecodeByReplacement(first));
    PrintGeneration(costmodel::EstimateGeneration(first), first.workload);
    PrintOperators("prefill", estimates[0].estimate.prefill);
    PrintSession(estimates[0]);
  }
  if (line.Has("simulate")) {
    for (size_t i = 0; i < simulations.size(); ++i) {
      fmt::print("\n{}\n{}", estimates[i].model, SimulationTable(simulations[i]));
    }
  }
  if (line.Has("sources")) {
    PrintAllSources(first.soc);
  } else {
    fmt::print(stderr, "{}\n", LeaningSentence(first.soc, LeaningsOf(estimates)));
  }
  return 0;
}

}  // namespace deepthin::explorer

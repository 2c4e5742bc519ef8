#include "explorer/cli/measure_report.h"

#include <fmt/format.h>

#include "explorer/cli/human.h"
#include "explorer/cli/table.h"
#include "spec/robust_stats.h"

namespace deepthin::explorer {
namespace {

BytesPerSecond Achieved(const Measurement& m) {
  return m.bytes_touched_per_token / Seconds(Median(m.decode_s_per_token));
}

std::string Tenths(double seconds) { return fmt::format("{:.1f}", 1e3 * seconds); }

// "q8_0", or "q8_0/f16" where table and head have another format than the blocks.
std::string FormatText(const Precision& precision) {
  std::string text(ToText(precision.weights));
  if (precision.embedding != precision.weights) {
    text.append("/").append(ToText(precision.embedding));
  }
  return text;
}

Json OperatorsJson(const std::vector<runtime::OperatorTime>& times) {
  Json rows = Json::array();
  for (const runtime::OperatorTime& each : times) {
    rows.push_back({{"operator", ToText(each.op)},
                    {"executions", each.executions},
                    {"time_s", each.time.value()},
                    {"bytes", each.bytes.value()}});
  }
  return rows;
}

}  // namespace

Json ReportJson(const MeasuredModel& model) {
  const Measurement& m = model.measured.measurement;
  const double decode = Median(m.decode_s_per_token);
  Json out = {{"model", model.name},
              {"decode_median_s_per_token", decode},
              {"decode_mad_s_per_token", Mad(m.decode_s_per_token)},
              {"decode_tokens_per_s", 1 / decode},
              {"token_p50_s", Quantile(m.token_s, 0.5)},
              {"token_p95_s", Quantile(m.token_s, 0.95)}};
  if (!m.prefill_s.empty()) {
    const double prefill = Median(m.prefill_s);
    out["prefill_median_s"] = prefill;
    out["prefill_mad_s"] = Mad(m.prefill_s);
    out["prefill_tokens_per_s"] = static_cast<double>(m.prompt_tokens) / prefill;
  }
  out["achieved_bytes_per_s"] = Achieved(m).value();
  if (model.stream_peak) {
    out["stream_peak_bytes_per_s"] = model.stream_peak->value();
    out["share_of_stream_peak"] = Achieved(m) / *model.stream_peak;
  }
  const auto times = runtime::DecodeTimes(model.measured.profile);
  if (!times.empty()) out["operators"] = OperatorsJson(times);
  if (const auto repeats = runtime::TimesOfRepeats(model.measured.profile, model.spec)) {
    out["block_first_s"] = repeats->first.value();
    out["block_repeated_s"] = repeats->repeated.value();
    out["block_repeated_to_first"] = repeats->ratio();
  }
  out["is_noisy"] = runtime::IsNoisy(m);
  out["measurement"] = ToJson(m);
  return out;
}

std::string MeasureTable(const std::vector<MeasuredModel>& models) {
  Table table({{"model", Align::kLeft},
               {"weights", Align::kLeft},
               {"KV", Align::kLeft},
               {"threads"},
               {"context"},
               {"load"},
               {"init"},
               {"TTFT ms"},
               {"+-MAD"},
               {"ms/token"},
               {"+-MAD"},
               {"p50"},
               {"p95"},
               {"tokens/s"},
               {"MB/token"},
               {"GB/s"},
               {"of peak"},
               {"", Align::kLeft}});
  for (const MeasuredModel& model : models) {
    const Measurement& m = model.measured.measurement;
    const bool prefilled = !m.prefill_s.empty();
    const double decode = Median(m.decode_s_per_token);
    table.Row({model.name, FormatText(m.precision), std::string(ToText(m.precision.kv)),
               std::to_string(m.threads), std::to_string(m.prompt_tokens), HumanTime(m.load),
               HumanTime(m.init), prefilled ? Tenths(Median(m.prefill_s)) : "-",
               prefilled ? Tenths(Mad(m.prefill_s)) : "-", HumanMilliseconds(decode),
               HumanMilliseconds(Mad(m.decode_s_per_token)),
               HumanMilliseconds(Quantile(m.token_s, 0.5)),
               HumanMilliseconds(Quantile(m.token_s, 0.95)), fmt::format("{:.1f}", 1 / decode),
               fmt::format("{:.1f}", ToMegabytes(m.bytes_touched_per_token)),
               fmt::format("{:.1f}", ToGBps(Achieved(m))),
               model.stream_peak ? fmt::format("{:.0f} %", 100 * (Achieved(m) / *model.stream_peak))
                                 : "-",
               runtime::IsNoisy(m) ? "noisy" : ""});
  }
  const Measurement& first = models.front().measured.measurement;
  std::string out = table.ToString();
  out += fmt::format("generating {} tokens from each context, {} repeats", first.generated_tokens,
                     first.decode_s_per_token.size());
  if (first.peak_memory) {
    out += fmt::format("; peak memory {:.0f} MB", ToMegabytes(*first.peak_memory));
  }
  if (first.file_bytes) out += fmt::format(", file {:.0f} MB", ToMegabytes(*first.file_bytes));
  out += fmt::format(
      "\n{}, {}, {} CPUs, load average {:.2f}, {} build of {}; of peak: this host's streaming\n"
      "bandwidth for as many bytes on as many threads, measured just now\n",
      first.host.cpu_model, first.host.isa, first.host.logical_cpus, first.host.load_average,
      first.host.build_type, first.host.commit);
  return out;
}

std::string OperatorTable(const MeasuredModel& model) {
  const Measurement& m = model.measured.measurement;
  const auto times = runtime::DecodeTimes(model.measured.profile);
  const Seconds token = runtime::TotalTime(times);
  std::string out = fmt::format("\n{}, {} threads, context {}: {} for a token\n", model.name,
                                m.threads, m.prompt_tokens, HumanTime(token));
  Table table({{"operator", Align::kLeft}, {"executions"}, {"ms"}, {"share"}, {"MB"}, {"GB/s"}});
  for (const runtime::OperatorTime& each : times) {
    table.Row({std::string(ToText(each.op)), std::to_string(each.executions),
               fmt::format("{:.3f}", ToMilliseconds(each.time)),
               fmt::format("{:.1f} %", 100 * (each.time / token)),
               fmt::format("{:.2f}", ToMegabytes(each.bytes)),
               fmt::format("{:.1f}", ToGBps(each.bytes / each.time))});
  }
  out += table.ToString();
  if (const auto repeats = runtime::TimesOfRepeats(model.measured.profile, model.spec)) {
    out += fmt::format("a block: {} at first, {} repeated; ratio {:.3f}\n",
                       HumanTime(repeats->first), HumanTime(repeats->repeated), repeats->ratio());
  }
  return out;
}

}  // namespace deepthin::explorer

#include "explorer/cli/validation_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "explorer/calibrate/fit_sources.h"
#include "explorer/cli/human.h"
#include "explorer/cli/table.h"
#include "explorer/sources.h"

namespace deepthin::explorer {
namespace {

std::string Percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string SignedPercent(double share) { return fmt::format("{:+.1f} %", 100 * share); }

struct SummaryLine {
  const char* what;
  std::string decode;
  std::string prefill;
  const char* goal;
};

std::vector<SummaryLine> SummaryLines(const calibrate::Validation& v) {
  const auto& d = v.decode;
  const auto& p = v.prefill;
  return {
      {"passes", std::to_string(d.rows), std::to_string(p.rows), ""},
      {"median absolute error", Percent(d.median_error), Percent(p.median_error),
       "decode 5 %, prefill 10 %"},
      {"90th percentile", Percent(d.p90_error), Percent(p.p90_error), "decode 12 %"},
      {"Kendall tau", fmt::format("{:.3f}", d.kendall_tau), fmt::format("{:.3f}", p.kendall_tau),
       "decode 0.95"},
      {"within the 90 % error bar", Percent(d.bars_cover), Percent(p.bars_cover), "80 to 97 %"},
      {"spread of the measured rounds, median", Percent(d.median_spread), Percent(p.median_spread),
       ""},
      {"first half of the rounds against the second: median", Percent(d.repeat_median_error),
       Percent(p.repeat_median_error), ""},
      {"the same: 90th percentile", Percent(d.repeat_p90_error), Percent(p.repeat_p90_error), ""},
      {"the same: Kendall tau", fmt::format("{:.3f}", d.repeat_kendall_tau),
       fmt::format("{:.3f}", p.repeat_kendall_tau), ""},
      {"baseline: median absolute error", Percent(d.baseline_median_error),
       Percent(p.baseline_median_error), ""},
      {"baseline: 90th percentile", Percent(d.baseline_p90_error), Percent(p.baseline_p90_error),
       ""},
      {"baseline: Kendall tau", fmt::format("{:.3f}", d.baseline_kendall_tau),
       fmt::format("{:.3f}", p.baseline_kendall_tau), ""}};
}

std::string PassesTable(const calibrate::Validation& validation, bool is_decode) {
  std::string out = is_decode ? "| architecture | context | measured ms | predicted ms | error | "
                                "bytes / bandwidth |\n|---|--:|--:|--:|--:|--:|\n"
                              : "| architecture | prompt | measured ms | predicted ms | error | "
                                "baseline |\n|---|--:|--:|--:|--:|--:|\n";
  for (const calibrate::ValidatedRow& row : validation.rows) {
    if ((row.new_tokens == 1) != is_decode) continue;
    out += fmt::format("| {} | {} | {:.3f} | {:.3f} | {} | {} |\n", row.architecture,
                       is_decode ? row.context_tokens : row.new_tokens,
                       ToMilliseconds(row.measured), ToMilliseconds(row.predicted),
                       SignedPercent(row.error), SignedPercent(row.baseline / row.measured - 1));
  }
  return out;
}

std::string SpeedUpTable(const calibrate::Validation& validation) {
  std::string out =
      "| repeated | distinct | measured | predicted | difference in points |\n"
      "|---|---|--:|--:|--:|\n";
  for (const calibrate::SpeedUp& each : validation.speed_ups) {
    out += fmt::format("| {} | {} | {:.3f} | {:.3f} | {:+.1f} |\n", each.repeated, each.distinct,
                       each.measured, each.predicted, 100 * (each.predicted - each.measured));
  }
  return out;
}

}  // namespace

std::string ValidationSummary(const calibrate::Validation& validation) {
  Table table({{"architectures never fitted", Align::kLeft},
               {"decode"},
               {"prefill"},
               {"goal", Align::kLeft}});
  for (const SummaryLine& line : SummaryLines(validation)) {
    table.Row({line.what, line.decode, line.prefill, line.goal});
  }
  std::string out = table.ToString();
  for (const calibrate::SpeedUp& each : validation.speed_ups) {
    out += fmt::format("{}: {:.3f} times as fast as as many distinct blocks, predicted {:.3f}\n",
                       each.repeated, each.measured, each.predicted);
  }
  return out;
}

std::string ValidationPage(const calibrate::Validation& validation, const calibrate::HostRows& rows,
                           const costmodel::SocFit& fit) {
  std::string out = fmt::format(
      "# Validation\n\n"
      "Made by `deepthin calibrate host --validate` (`./dev validate`), not by hand. {}, {}, {}\n"
      "threads, load average {:.2f}, {} build of {}, {}.\n\n"
      "The cost model was calibrated on one set of architectures (median absolute error of the\n"
      "fit {}) and predicts here another one, which no fit has seen: measured and predicted in "
      "the\n"
      "same sitting, of each pass the median of {} rounds. The baseline knows no cost "
      "model: for a\n"
      "token the bytes that it touches by the streaming bandwidth that was measured, for a prompt\n"
      "the same or MACs by the rate of a product alone, of as many tokens as were measured, "
      "whichever\n"
      "is more. The spread is what the rounds themselves differ by, largest / least - 1. How far\n"
      "the machine repeats itself: the first half of the rounds as a prediction of the second.\n\n"
      "| | decode | prefill | goal |\n|---|--:|--:|---|\n",
      rows.host.cpu_model, rows.host.isa, rows.threads, rows.host.load_average,
      rows.host.build_type, rows.host.commit, rows.date, Percent(fit.spread),
      rows.rows.empty() ? 0 : rows.rows.front().rounds.size());
  for (const SummaryLine& line : SummaryLines(validation)) {
    out += fmt::format("| {} | {} | {} | {} |\n", line.what, line.decode, line.prefill, line.goal);
  }
  out += "\n## Repeats against as many distinct blocks\n\nSpeed-up of a decoded token.\n\n" +
         SpeedUpTable(validation);
  out += "\n## Decode\n\n" + PassesTable(validation, true);
  out += "\n## Prefill\n\n" + PassesTable(validation, false);
  out += "\n## The calibrated numbers\n\n| number | value |\n|---|--:|\n";
  for (const SourcedNumber& number : SourcedNumbers(fit.soc)) {
    const bool is_open = calibrate::IsUndetermined(fit, number.path);
    out += fmt::format("| {}{} | {:.4g} |\n", number.path,
                       is_open ? " (not determined by these passes)" : "", number.value);
  }
  return out;
}

}  // namespace deepthin::explorer

// What of a what-if is about the hardware numbers: sensitivities and the robust choice.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "explorer/cli/human.h"
#include "explorer/cli/soc_units.h"
#include "explorer/cli/table.h"
#include "explorer/cli/whatif_report.h"
#include "explorer/sources.h"

namespace deepthin::explorer {
namespace {

std::string Percent(double change) {
  const double percent = 100 * change;
  if (std::abs(percent) < 0.05) return "0 %";
  return fmt::format("{:+.{}f} %", percent, std::abs(percent) < 9.95 ? 1 : 0);
}

const Sensitivity& Of(const WhatIfReport& report, size_t model, const std::string& path) {
  const auto& list = report.result.sensitivities[model];
  return *std::find_if(list.begin(), list.end(),
                       [&](const Sensitivity& row) { return row.path == path; });
}

// What a number does to the model that it moves most.
double SizeOf(const WhatIfReport& report, const std::string& path) {
  double size = 0;
  for (size_t m = 0; m < report.names.size(); ++m) {
    size = std::max(size, Of(report, m, path).size());
  }
  return size;
}

std::vector<std::string> PathsBySize(const WhatIfReport& report) {
  std::vector<std::string> paths;
  for (const Sensitivity& row : report.result.sensitivities[0]) paths.push_back(row.path);
  std::stable_sort(paths.begin(), paths.end(), [&](const std::string& a, const std::string& b) {
    return SizeOf(report, a) > SizeOf(report, b);
  });
  return paths;
}

// 0 without a sign.
std::string Slope(double slope) {
  return fmt::format("{:.3f}", std::abs(slope) < 5e-4 ? 0.0 : slope);
}

std::vector<std::string> SidesOf(const WhatIfReport& report) {
  const SocSpec& soc = report.base.problem.soc;
  const auto numbers = SourcedNumbers(soc);
  std::vector<std::string> sides;
  for (const BoxSide& side : report.asked.box) {
    const std::string& path = numbers[side.parameter.numbers.front()].path;
    const HumanUnit unit = UnitOf(path, side.high);  // for both ends
    sides.push_back(fmt::format("{} {}..{} {}", side.parameter.name, InUnit(side.low, unit),
                                InUnit(side.high, unit), unit.name));
  }
  return sides;
}

// The texts behind `head`, in lines of at most 100 columns where they can be.
std::string Wrapped(const std::string& head, const std::vector<std::string>& texts) {
  constexpr size_t kColumns = 100;
  std::string out;
  std::string line = head;
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string text = texts[i] + (i + 1 < texts.size() ? ", " : "");
    if (line.size() > head.size() && line.size() + text.size() > kColumns) {
      out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
      line = std::string(head.size(), ' ');
    }
    line += text;
  }
  return out + line + '\n';
}

}  // namespace

char ModelMark(size_t model) { return static_cast<char>('A' + model); }

std::string MarkedName(const WhatIfReport& report, size_t model) {
  if (report.names.size() == 1) return report.names[0];
  return fmt::format("{} {}", ModelMark(model), report.names[model]);
}

std::string MetricText(Metric metric) { return metric == Metric::kDecode ? "ms/token" : "TTFT ms"; }

std::string MillisecondsText(Seconds time) { return HumanMilliseconds(time.value()); }

std::string SensitivityText(const WhatIfReport& report) {
  constexpr size_t kMostInFull = 2;  // models with all their columns
  constexpr double kWorthListing = 0.01;
  const size_t models = report.names.size();
  std::vector<TableColumn> columns = {{"number", Align::kLeft}, {"value"}};
  for (size_t m = 0; m < models; ++m) {
    const std::string mark = models == 1 ? "" : fmt::format("{} ", ModelMark(m));
    columns.push_back({mark + "decode"});
    columns.push_back({mark + "prefill"});
    if (models > kMostInFull) continue;
    columns.push_back({mark + "x1/2"});
    columns.push_back({mark + "x2"});
  }
  Table table(std::move(columns));
  size_t rest = 0;
  for (const std::string& path : PathsBySize(report)) {
    const Sensitivity& number = Of(report, 0, path);
    if (SizeOf(report, path) < kWorthListing && !report.all) {
      ++rest;
      continue;
    }
    std::vector<std::string> cells = {number.name, WithUnit(path, number.value)};
    for (size_t m = 0; m < models; ++m) {
      const Sensitivity& row = Of(report, m, path);
      cells.push_back(Slope(row.decode));
      cells.push_back(Slope(row.prefill));
      if (models > kMostInFull) continue;
      cells.push_back(Percent(row.decode_halved));
      cells.push_back(Percent(row.decode_doubled));
    }
    table.Row(std::move(cells));
  }
  std::string out = "\nsensitivity with nothing varied: d ln(time) / d ln(number)";
  if (models <= kMostInFull) out += "; what half and twice the number do to decode";
  out += '\n' + table.ToString();
  if (rest > 0)
    out += fmt::format("{} further numbers move nothing by 1 % (--all lists them)\n", rest);
  return out;
}

std::string RobustText(const WhatIfReport& report) {
  const WhatIf& asked = report.asked;
  if (asked.box.empty()) {
    return fmt::format("\n{} states no range that a time depends on (--box gives one)\n",
                       report.base.problem.soc.name);
  }
  const bool one = report.names.size() == 1;  // nothing to choose, but a spread
  const auto sides = SidesOf(report);
  std::vector<TableColumn> columns = {{"model", Align::kLeft}};
  if (!one) {
    columns.push_back({"best in"});
    columns.push_back({"regret: median"});
    columns.push_back({"worst"});
  }
  for (const char* title : {"ms: 10 %", "median", "90 %"}) columns.push_back({title});
  Table table(std::move(columns));
  for (size_t m = 0; m < report.names.size(); ++m) {
    const RobustModel& row = report.result.robust[m];
    std::vector<std::string> cells = {MarkedName(report, m)};
    if (!one) {
      cells.push_back(fmt::format("{:.1f} %", 100 * row.best_share));
      cells.push_back(Percent(row.median_regret));
      cells.push_back(Percent(row.worst_regret));
    }
    for (const Seconds time : {row.low_time, row.median_time, row.high_time}) {
      cells.push_back(MillisecondsText(time));
    }
    table.Row(std::move(cells));
  }
  return fmt::format("\n{} by {}, nothing else varied: {} samples of the box of {} ranges\n{}{}",
                     one ? "spread" : "robust choice", MetricText(asked.metric), asked.samples,
                     sides.size(), table.ToString(), Wrapped("the box: ", sides));
}

}  // namespace deepthin::explorer

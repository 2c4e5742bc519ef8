#include "explorer/cli/whatif_report.h"
#include "explorer/sources.h"

namespace deepthin::explorer {
namespace {

Json PathsOf(const Parameter& parameter, const std::vector<SourcedNumber>& numbers) {
  Json paths = Json::array();
  for (const size_t index : parameter.numbers) paths.push_back(numbers[index].path);
  return paths;
}

// A number in base units, or the name of a format.
Json ValueOf(const Axis& axis, size_t index) {
  const Setting& setting = axis.values[index];
  if (axis.parameter.is_format()) return setting.text;
  if (axis.parameter.is_integral()) return static_cast<int64_t>(setting.number);
  return setting.number;
}

Json AxesOf(const WhatIfReport& report, const std::vector<SourcedNumber>& numbers) {
  Json axes = Json::array();
  for (const Axis& axis : report.asked.axes) {
    Json values = Json::array();
    for (size_t i = 0; i < axis.values.size(); ++i) values.push_back(ValueOf(axis, i));
    axes.push_back({{"name", axis.parameter.name},
                    {"paths", PathsOf(axis.parameter, numbers)},
                    {"values", values}});
  }
  return axes;
}

Json PointsOf(const WhatIfReport& report) {
  Json points = Json::array();
  for (const GridPoint& point : report.result.grid) {
    Json values = Json::object();
    for (size_t i = 0; i < point.values.size(); ++i) {
      const Axis& axis = report.asked.axes[i];
      values[axis.parameter.name] = ValueOf(axis, point.values[i]);
    }
    points.push_back({{"values", values}, {"models", ToJson(point.answers)}});
  }
  return points;
}

Json CaseOf(const WhatIfReport& report, const Case& of) {
  return {
      {"model", report.names[of.model]},
      {"precision", ToJson(report.result.variants[of.variant].models[of.model].problem.precision)}};
}

Json TurnsOf(const WhatIfReport& report) {
  const WhatIfResult& result = report.result;
  Json free = Json::array();
  for (const FreeRepeats& row : result.free_repeats) {
    Json out = CaseOf(report, row.of);
    out["capacity_bytes"] = row.from.value();
    free.push_back(out);
  }
  Json cliffs = Json::array();
  for (const AxisCliffs& row : result.cliffs) {
    Json out = CaseOf(report, row.of);
    out["axis"] = report.asked.axes[row.axis].parameter.name;
    out["cliffs"] = ToJson(row.cliffs);
    cliffs.push_back(out);
  }
  Json crossovers = Json::array();
  for (const AxisCrossovers& row : result.crossovers) {
    Json out = CaseOf(report, row.first);
    out["second_model"] = report.names[row.second];
    out["axis"] = report.asked.axes[row.axis].parameter.name;
    out["at_lowest"] = ToText(row.at_first);
    out["crossovers"] = ToJson(row.crossovers);
    crossovers.push_back(out);
  }
  return {{"repeats_free_from", free}, {"cliffs", cliffs}, {"crossovers", crossovers}};
}

Json RobustOf(const WhatIfReport& report, const std::vector<SourcedNumber>& numbers) {
  Json box = Json::array();
  for (const BoxSide& side : report.asked.box) {
    box.push_back({{"name", side.parameter.name},
                   {"paths", PathsOf(side.parameter, numbers)},
                   {"low", side.low},
                   {"high", side.high}});
  }
  Json models = Json::array();
  for (size_t m = 0; m < report.names.size(); ++m) {
    Json row = {{"model", report.names[m]}};
    row.update(ToJson(report.result.robust[m]));
    models.push_back(row);
  }
  return {{"box", box},
          {"samples", report.asked.samples},
          {"seed", report.asked.seed},
          {"models", models}};
}

}  // namespace

Json JsonOf(const WhatIfReport& report) {
  const auto numbers = SourcedNumbers(report.base.problem.soc);
  Json models = Json::array();
  for (size_t m = 0; m < report.names.size(); ++m) {
    models.push_back({{"name", report.names[m]},
                      {"model", ToJson(report.asked.models[m].problem.model)},
                      {"context_tokens", ContextOf(report.asked.models[m])},
                      {"sensitivities", ToJson(report.result.sensitivities[m])}});
  }
  Json out = {{"soc", report.base.problem.soc.name},
              {"precision", ToJson(report.base.problem.precision)},
              {"workload", ToJson(report.base.problem.workload)},
              {"metric", ToText(report.asked.metric)},
              {"models", models},
              {"axes", AxesOf(report, numbers)},
              {"points", PointsOf(report)}};
  out.update(TurnsOf(report));
  out["robust"] = RobustOf(report, numbers);
  return out;
}

}  // namespace deepthin::explorer

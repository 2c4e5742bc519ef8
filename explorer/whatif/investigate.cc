#include "explorer/whatif/investigate.h"

#include <algorithm>

namespace deepthin::explorer {
namespace {

std::vector<Variant> VariantsOf(const WhatIf& asked) {
  std::vector<Axis> formats;
  for (const Axis& axis : asked.axes) {
    if (axis.parameter.is_format()) formats.push_back(axis);
  }
  std::vector<Variant> out;
  std::vector<size_t> values(formats.size(), 0);
  while (true) {
    Variant variant;
    for (size_t i = 0; i < formats.size(); ++i) {
      if (i > 0) variant.text += ", " + formats[i].parameter.name + " ";
      variant.text += formats[i].values[values[i]].text;
    }
    for (const Question& model : asked.models) {
      variant.models.push_back(At(model, formats, values));
    }
    out.push_back(std::move(variant));
    size_t i = formats.size();
    while (i > 0 && ++values[i - 1] == formats[i - 1].values.size()) values[--i] = 0;
    if (i == 0) return out;
  }
}

std::vector<Cliff> CliffsOf(const Question& question, const Axis& axis) {
  const auto low = static_cast<int64_t>(axis.low());
  const auto high = static_cast<int64_t>(axis.high());
  if (axis.parameter.knob == Knob::kContext) return ContextCliffs(question, low, high);
  const auto level = CapacityLevel(question.problem.soc, axis.parameter);
  if (!level || question.problem.soc.levels[*level].kind != LevelKind::kSram) return {};
  return CapacityCliffs(question, *level, Bytes(low), Bytes(high));
}

bool HasNumbers(const Axis& axis) { return !axis.parameter.is_format() && axis.values.size() > 1; }

Faster FasterAtLowest(Question first, Question second, const Axis& axis, Metric metric) {
  const auto lowest =
      std::min_element(axis.values.begin(), axis.values.end(),
                       [](const Setting& a, const Setting& b) { return a.number < b.number; });
  Apply(first, axis.parameter, *lowest);
  Apply(second, axis.parameter, *lowest);
  return FasterOf(TimeOf(first, metric), TimeOf(second, metric));
}

void AddCurves(const WhatIf& asked, WhatIfResult& out) {
  for (size_t i = 0; i < asked.axes.size(); ++i) {
    if (!asked.axes[i].is_range) continue;
    if (out.curve_axis) {
      out.curve_axis.reset();
      return;
    }
    out.curve_axis = i;
  }
  if (!out.curve_axis) return;
  const Axis& axis = asked.axes[*out.curve_axis];
  out.curve_at =
      RangeValues(axis.low(), axis.high(), kCurvePoints, {}, axis.parameter.is_integral());
  for (size_t v = 0; v < out.variants.size(); ++v) {
    for (size_t m = 0; m < asked.models.size(); ++m) {
      Curve curve = {.of = {.model = m, .variant = v}, .times = {}};
      for (const double at : out.curve_at) {
        Question question = out.variants[v].models[m];
        Apply(question, axis.parameter, {.number = at, .text = {}});
        curve.times.push_back(TimeOf(question, asked.metric));
      }
      out.curves.push_back(std::move(curve));
    }
  }
}

void AddTurns(const WhatIf& asked, WhatIfResult& out) {
  for (size_t a = 0; a < asked.axes.size(); ++a) {
    const Axis& axis = asked.axes[a];
    for (size_t v = 0; v < out.variants.size(); ++v) {
      const auto& models = out.variants[v].models;
      for (size_t m = 0; m < models.size(); ++m) {
        const Case of = {.model = m, .variant = v};
        if (axis.is_range) {
          auto cliffs = CliffsOf(models[m], axis);
          if (!cliffs.empty()) out.cliffs.push_back({a, of, std::move(cliffs)});
        }
        if (!HasNumbers(axis)) continue;
        for (size_t other = m + 1; other < models.size(); ++other) {
          out.crossovers.push_back({a, of, other,
                                    FasterAtLowest(models[m], models[other], axis, asked.metric),
                                    Crossovers(models[m], models[other], axis, asked.metric)});
        }
      }
    }
  }
}

}  // namespace

WhatIfResult Investigate(const WhatIf& asked) {
  WhatIfResult out;
  out.grid = AskGrid(asked.models, asked.axes);
  out.variants = VariantsOf(asked);
  for (size_t m = 0; m < asked.models.size(); ++m) {
    for (size_t v = 0; v < out.variants.size(); ++v) {
      const auto from = RepeatsFreeFrom(out.variants[v].models[m]);
      if (from) out.free_repeats.push_back({{.model = m, .variant = v}, *from});
    }
  }
  AddTurns(asked, out);
  AddCurves(asked, out);
  for (const Question& model : asked.models) out.sensitivities.push_back(Sensitivities(model));
  out.robust = AskBox(asked.models, asked.box, asked.metric, asked.samples, asked.seed);
  return out;
}

}  // namespace deepthin::explorer

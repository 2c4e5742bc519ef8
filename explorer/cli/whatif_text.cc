// What a what-if found, from the models and the grid to crossovers; whatif_hardware_text.cc has the
// rest.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "costmodel/estimator.h"
#include "explorer/cli/human.h"
#include "explorer/cli/plot.h"
#include "explorer/cli/table.h"
#include "explorer/cli/whatif_report.h"

namespace deepthin::explorer {
namespace {

constexpr double kSmall = 0.005;  // changes of less are left out, and counted

std::string Mb(Bytes bytes) { return fmt::format("{:.1f}", ToMegabytes(bytes)); }

std::string ExactBytes(Bytes bytes) {
  std::string digits = std::to_string(bytes.value());
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return fmt::format("{} B = {:.2f} MB ({})", digits, ToMegabytes(bytes), HumanCapacity(bytes));
}

class Report {
 public:
  explicit Report(const WhatIfReport& report)
      : report_(report), asked_(report.asked), result_(report.result) {}

  std::string ToString() {
    Head();
    Grid();
    Curves();
    FreeFrom();
    Cliffs();
    CrossoverLines();
    out_ += SensitivityText(report_) + RobustText(report_);
    return std::move(out_);
  }

 private:
  template <class... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    out_ += fmt::format(format, std::forward<Args>(args)...);
  }
  [[nodiscard]] size_t models() const { return report_.names.size(); }
  [[nodiscard]] const SocSpec& soc() const { return report_.base.problem.soc; }
  // What a case's formats are called: those that vary, or the precision.
  [[nodiscard]] std::string FormatsOf(const Case& of) const {
    const Variant& variant = result_.variants[of.variant];
    return variant.text.empty() ? PrecisionText(report_.base.problem.precision) : variant.text;
  }
  // Which formats a line is about, where there are several.
  [[nodiscard]] std::string In(const Case& of) const {
    return result_.variants.size() > 1 ? " in " + FormatsOf(of) : "";
  }

  void Head() {
    const Problem& problem = report_.base.problem;
    const Workload& work = problem.workload;
    Add("what if: {} in {}, prompt {}, generating {}{}, context {}; by {} {}\n\n", soc().name,
        PrecisionText(problem.precision), work.prompt_tokens, work.generated_tokens,
        work.batch > 1 ? fmt::format(", batch {}", work.batch) : "", ContextOf(report_.base),
        costmodel::kModelName, costmodel::kModelVersion);
    if (models() == 1) return;
    Table table({{"", Align::kLeft}, {"model", Align::kLeft}, {"params"}, {"blocks executed"}});
    for (size_t m = 0; m < models(); ++m) {
      const ModelSpec& model = asked_.models[m].problem.model;
      table.Row({std::string(1, ModelMark(m)), report_.names[m],
                 HumanCount(CountParams(model).matrices()), std::to_string(ExecutedBlocks(model))});
    }
    Add("{}\n", table.ToString());
  }

  // The models that no other beats by the metric, as "B" or "A=B".
  [[nodiscard]] std::string Fastest(const GridPoint& point) const {
    const auto time = [&](size_t m) {
      return asked_.metric == Metric::kDecode ? point.answers[m].decode : point.answers[m].prefill;
    };
    std::string out;
    for (size_t m = 0; m < models(); ++m) {
      bool best = true;
      for (size_t n = 0; n < models(); ++n) {
        best = best && FasterOf(time(m), time(n)) != Faster::kSecond;
      }
      if (best) out += (out.empty() ? "" : "=") + std::string(1, ModelMark(m));
    }
    return out;
  }

  void Grid() {
    constexpr size_t kMostInFull = 3;  // models with all their columns
    const bool one = models() == 1;
    std::vector<TableColumn> columns;
    for (const Axis& axis : asked_.axes) columns.push_back({axis.parameter.name});
    const auto group = [&](const std::string& title) {
      for (size_t m = 0; m < models(); ++m) {
        columns.push_back({one ? title : fmt::format("{} {}", ModelMark(m), title)});
      }
    };
    group("ms/token");
    if (models() <= kMostInFull) {
      group("DRAM MB");
      group("TTFT ms");
    }
    if (one) {
      columns.push_back({"peak memory"});
      columns.push_back({"limited by", Align::kLeft});
    } else {
      columns.push_back({"fastest", Align::kLeft});
    }
    Table table(std::move(columns));
    for (const GridPoint& point : result_.grid) {
      std::vector<std::string> cells;
      for (size_t i = 0; i < point.values.size(); ++i) {
        cells.push_back(asked_.axes[i].values[point.values[i]].text);
      }
      for (const Answer& answer : point.answers) cells.push_back(MillisecondsText(answer.decode));
      if (models() <= kMostInFull) {
        for (const Answer& answer : point.answers) cells.push_back(Mb(answer.decode_dram));
        for (const Answer& answer : point.answers)
          cells.push_back(MillisecondsText(answer.prefill));
      }
      if (one) {
        const Answer& answer = point.answers[0];
        cells.push_back(HumanBytes(answer.peak_memory) +
                        (answer.fits_memory ? "" : " (does not fit)"));
        cells.push_back(answer.limited_by);
      } else {
        cells.push_back(Fastest(point));
      }
      table.Row(std::move(cells));
    }
    Add("{}", table.ToString());
  }

  void Curves() {
    constexpr size_t kMostCurves = 6;
    if (!result_.curve_axis || result_.curves.empty()) return;
    const Axis& axis = asked_.axes[*result_.curve_axis];
    if (result_.curves.size() > kMostCurves) {
      Add("\n{} curves over {} are too many for one picture: vary fewer formats to see it\n",
          result_.curves.size(), axis.parameter.name);
      return;
    }
    Plot plot = {.title = fmt::format("{} over {}", MetricText(asked_.metric), axis.parameter.name),
                 .curves = {},
                 .x_labels = {}};
    std::vector<std::string> legend;
    for (size_t c = 0; c < result_.curves.size(); ++c) {
      const Curve& curve = result_.curves[c];
      // With one format each model has its letter; with several each curve has its own.
      const char mark =
          result_.variants.size() == 1 ? ModelMark(curve.of.model) : static_cast<char>('a' + c);
      plot.curves.push_back({.mark = mark, .y = {}});
      for (const Seconds time : curve.times) plot.curves.back().y.push_back(ToMilliseconds(time));
      legend.push_back(fmt::format("{} {}{}", mark, report_.names[curve.of.model], In(curve.of)));
    }
    constexpr size_t kMostOnOneLine = 2;
    if (legend.size() > 1) {
      const std::string gap = legend.size() > kMostOnOneLine ? "\n  " : "   ";
      plot.title += fmt::format("{}{}{}= several", legend.size() > kMostOnOneLine ? gap : ":  ",
                                fmt::join(legend, gap), gap);
    }
    FillColumns(plot);
    constexpr size_t kLabels = 5;
    for (size_t i = 0; i < kLabels; ++i) {
      const size_t at = i * (result_.curve_at.size() - 1) / (kLabels - 1);
      plot.x_labels.push_back(ShortText(axis, result_.curve_at[at]));
    }
    Add("\n{}", plot.ToString());
  }

  // Whole numbers close together leave fewer points than columns.
  void FillColumns(Plot& plot) const {
    const size_t points = result_.curve_at.size();
    const auto columns = static_cast<size_t>(kCurvePoints);
    if (points >= columns) return;
    for (PlotCurve& curve : plot.curves) {
      std::vector<double> wide;
      for (size_t x = 0; x < columns; ++x) {
        wide.push_back(curve.y[x * (points - 1) / (columns - 1)]);
      }
      curve.y = std::move(wide);
    }
  }

  static std::string ShortText(const Axis& axis, double value) {
    if (!axis.unit) return fmt::format("{:.5g}", value);
    const double number = value / axis.unit->per_base;
    return number < 1000 ? fmt::format("{:.3g} {}", number, axis.unit->name)
                         : fmt::format("{:.0f} {}", number, axis.unit->name);
  }

  void FreeFrom() {
    if (result_.free_repeats.empty()) return;
    bool pinned = false;
    for (const MemoryLevel& level : soc().levels) {
      if (level.kind == LevelKind::kSram) pinned = level.replacement == Replacement::kPinned;
    }
    Add("\nrepeated blocks are free from this on-chip capacity on, at context {}{}:\n",
        ContextOf(report_.base),
        pinned ? ", where it keeps what was used last (here it is pinned)" : "");
    Table table({{"model", Align::kLeft}, {"formats", Align::kLeft}, {"from"}});
    for (const FreeRepeats& row : result_.free_repeats) {
      table.Row({MarkedName(report_, row.of.model), FormatsOf(row.of), ExactBytes(row.from)});
    }
    Add("{}", table.ToString());
  }

  [[nodiscard]] static bool IsSmall(const Cliff& cliff) {
    const double bytes = cliff.bytes_after / cliff.bytes_before - 1;
    const double time = cliff.time_after / cliff.time_before - 1;
    return std::abs(bytes) < kSmall && std::abs(time) < kSmall;
  }

  void Cliffs() {
    for (size_t a = 0; a < asked_.axes.size(); ++a) {
      const Axis& axis = asked_.axes[a];
      const bool context = axis.parameter.knob == Knob::kContext;
      const auto level = CapacityLevel(soc(), axis.parameter);
      const bool sram = level && soc().levels[*level].kind == LevelKind::kSram;
      if (!axis.is_range || (!context && !sram)) continue;
      if (sram && soc().levels[*level].replacement == Replacement::kPinned) {
        Add("\n{} is pinned: it gains byte by byte, and has no cliffs\n", axis.parameter.name);
        continue;
      }
      CliffTable(a, context);
    }
  }

  void CliffTable(size_t axis, bool context) {
    size_t small = 0;
    size_t shown = 0;
    Table table({{"model", Align::kLeft},
                 {"formats", Align::kLeft},
                 {"from"},
                 {context ? "DRAM MB" : "MB from beyond"},
                 {"ms/token"}});
    for (const AxisCliffs& row : result_.cliffs) {
      if (row.axis != axis) continue;
      for (const Cliff& cliff : row.cliffs) {
        if (IsSmall(cliff) && !report_.all) {
          ++small;
          continue;
        }
        ++shown;
        table.Row({MarkedName(report_, row.of.model), FormatsOf(row.of),
                   context ? std::to_string(cliff.at) : ExactBytes(Bytes(cliff.at)),
                   fmt::format("{} -> {}", Mb(cliff.bytes_before), Mb(cliff.bytes_after)),
                   fmt::format("{} -> {}", MillisecondsText(cliff.time_before),
                               MillisecondsText(cliff.time_after))});
      }
    }
    const std::string& name = asked_.axes[axis].parameter.name;
    if (shown > 0) {
      Add("\ncliffs over {}, exact: one {} less, and the figures before the arrow hold\n{}", name,
          context ? "token" : "byte", table.ToString());
    } else {
      Add("\nno cliff over {}\n", name);
    }
    if (small > 0) Add("{} smaller than {} % (--all lists them)\n", small, 100 * kSmall);
  }

  void CrossoverLines() {
    if (result_.crossovers.empty()) return;
    Add("\ncrossovers, by {}\n", MetricText(asked_.metric));
    for (const AxisCrossovers& row : result_.crossovers) {
      const Axis& axis = asked_.axes[row.axis];
      const auto [low, high] = std::minmax_element(
          axis.values.begin(), axis.values.end(),
          [](const Setting& x, const Setting& y) { return x.number < y.number; });
      if (row.crossovers.empty()) {
        Add("  {} from {} to {} of {}{}\n", WhoIsFaster(row, row.at_first), low->text, high->text,
            axis.parameter.name, In(row.first));
      }
      for (const Crossover& crossover : row.crossovers) {
        const std::string first = MillisecondsText(crossover.first_time);
        const std::string second = MillisecondsText(crossover.second_time);
        Add("  {} from {} {} on{}: {} ms there\n", WhoIsFaster(row, crossover.after),
            axis.parameter.name, Exactly(axis, crossover.at), In(row.first),
            first == second ? fmt::format("both {}", first)
                            : fmt::format("{} against {}", first, second));
      }
    }
  }

  // "A is faster than B"
  [[nodiscard]] static std::string WhoIsFaster(const AxisCrossovers& row, Faster faster) {
    const char first = ModelMark(row.first.model);
    const char second = ModelMark(row.second);
    if (faster == Faster::kNeither) return fmt::format("{} and {} are equally fast", first, second);
    return faster == Faster::kFirst ? fmt::format("{} is faster than {}", first, second)
                                    : fmt::format("{} is faster than {}", second, first);
  }

  static std::string Exactly(const Axis& axis, double at) {
    if (axis.parameter.dimension == Dimension::kBytes)
      return ExactBytes(Bytes(static_cast<int64_t>(at)));
    return SettingOf(axis, at).text;
  }

  const WhatIfReport& report_;
  const WhatIf& asked_;
  const WhatIfResult& result_;
  std::string out_;
};

}  // namespace

std::string TextOf(const WhatIfReport& report) { return Report(report).ToString(); }

}  // namespace deepthin::explorer

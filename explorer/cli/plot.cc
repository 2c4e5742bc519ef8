#include "explorer/cli/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace deepthin::explorer {
namespace {

// A round number, at least x.
double NiceStep(double x) {
  const double power = std::pow(10, std::floor(std::log10(x)));
  for (const double factor : {1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0}) {
    if (factor * power >= x * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

struct Scale {
  double low = 0;
  double step = 1;  // of one row

  [[nodiscard]] size_t RowOf(double y, size_t rows) const {
    const double row = std::round((y - low) / step);
    return static_cast<size_t>(std::clamp(row, 0.0, static_cast<double>(rows - 1)));
  }
};

Scale ScaleOf(const std::vector<PlotCurve>& curves, size_t rows) {
  double low = curves[0].y[0];
  double high = low;
  for (const PlotCurve& curve : curves) {
    for (const double y : curve.y) {
      low = std::min(low, y);
      high = std::max(high, y);
    }
  }
  const auto steps = static_cast<double>(rows - 1);
  if (high <= 0) return {};
  if (low < 0.7 * high) return {.low = 0, .step = NiceStep(high / steps)};
  // Curves that differ by nothing but rounding are one flat line.
  Scale scale = {.low = 0, .step = NiceStep(std::max(high - low, 1e-3 * high) / steps)};
  scale.low = std::floor(low / scale.step) * scale.step;
  while (scale.low + steps * scale.step < high) {
    scale.step = NiceStep(1.01 * scale.step);
    scale.low = std::floor(low / scale.step) * scale.step;
  }
  return scale;
}

// Labels spread over `columns`, the first from the left end, the last up to the right one.
std::string Spread(const std::vector<std::string>& labels, size_t columns) {
  std::string line(columns, ' ');
  size_t free_from = 0;
  const size_t last_width = std::min(labels.back().size(), columns);
  for (size_t i = 0; i < labels.size(); ++i) {
    const size_t center = i * (columns - 1) / (labels.size() - 1);
    const bool last = i + 1 == labels.size();
    const size_t width = labels[i].size();
    size_t from = center >= width / 2 ? center - width / 2 : 0;
    if (last) from = columns - last_width;
    // A label without room is left out; the last one stays.
    if (from < free_from || (!last && from + width + 2 > columns - last_width)) continue;
    line.replace(from, width, labels[i], 0, columns - from);
    free_from = from + width + 2;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::string Plot::ToString() const {
  const Scale scale = ScaleOf(curves, rows);
  const size_t columns = curves[0].y.size();
  std::vector<std::string> canvas(rows, std::string(columns, ' '));
  for (size_t c = curves.size(); c-- > 0;) {
    size_t before = 0;
    for (size_t x = 0; x < columns; ++x) {
      const size_t row = scale.RowOf(curves[c].y[x], rows);
      if (x > 0) {
        for (size_t r = std::min(before, row) + 1; r < std::max(before, row); ++r) {
          if (canvas[r][x] == ' ') canvas[r][x] = '|';
        }
      }
      char& cell = canvas[row][x];
      cell = cell == ' ' || cell == '|' ? curves[c].mark : '=';
      before = row;
    }
  }
  std::string out = title + '\n';
  constexpr size_t kRowsALabel = 3;
  for (size_t r = rows; r-- > 0;) {
    const std::string label =
        r % kRowsALabel == 0
            ? fmt::format("{:.4g}", scale.low + static_cast<double>(r) * scale.step)
            : "";
    std::string line = fmt::format("{:>8} |{}", label, canvas[r]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  out += fmt::format("{:>8} +{}\n", "", std::string(columns, '-'));
  out += fmt::format("{:>8}  {}\n", "", Spread(x_labels, columns));
  return out;
}

}  // namespace deepthin::explorer

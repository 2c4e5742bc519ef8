#include "explorer/cli/figure_text.h"

#include <fmt/format.h>

namespace deepthin::explorer {
namespace {

// format, interval: of one and of two numbers.
std::string Text(const Figure& figure, double scale, const char* format, const char* interval) {
  if (!figure.value) return "-";
  std::string text = fmt::format(fmt::runtime(format), scale * *figure.value);
  if (figure.interval) {
    text += fmt::format(fmt::runtime(interval), scale * figure.interval->low,
                        scale * figure.interval->high);
  }
  return text;
}

}  // namespace

std::string FigureText(const Figure& figure) {
  return Text(figure, 1, "{:.2f}", " ({:.2f} .. {:.2f})");
}

std::string GainText(const Figure& figure) {
  return Text(figure, 1, "{:+.2f}", " ({:+.2f} .. {:+.2f})");
}

std::string PercentText(const Figure& figure) {
  return Text(figure, 100, "{:.0f} %", " ({:.0f} .. {:.0f})");
}

std::string PointsText(const Figure& figure) {
  return Text(figure, 100, "{:+.0f}", " ({:+.0f} .. {:+.0f})");
}

}  // namespace deepthin::explorer

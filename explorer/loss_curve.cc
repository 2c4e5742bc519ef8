#include "explorer/loss_curve.h"

#include <fmt/format.h>

#include "spec/errors.h"
#include "spec/files.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

std::string Cell(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

}  // namespace

std::vector<CurvePoint> ReadCurve(const std::string& path, int64_t last_step) {
  const std::string text = ReadFile(path);
  std::vector<CurvePoint> points;
  int64_t line_number = 0;
  for (size_t begin = 0; begin < text.size();) {
    if (!points.empty() && points.back().step >= last_step) break;
    const size_t end = text.find('\n', begin);
    const InputError::Where where = {path, fmt::format("line {}", ++line_number)};
    if (end == std::string::npos) throw InputError(where, "is cut off", "a whole line");
    const Json json = ParseJson(std::string_view(text).substr(begin, end - begin), path);
    points.push_back(FromJson<CurvePoint>(json, where));
    const int64_t expected = static_cast<int64_t>(points.size()) - 1;
    if (points.back().step != expected) {
      throw InputError(where, fmt::format("is of step {}", points.back().step),
                       fmt::format("step {}", expected));
    }
    begin = end + 1;
  }
  if (points.empty() || points.back().step != last_step) {
    throw InputError({path, ""}, fmt::format("has {} points", points.size()),
                     fmt::format("one for each of steps 0 to {}", last_step));
  }
  return points;
}

void WriteCurve(const std::string& path, const std::vector<CurvePoint>& points) {
  std::string text;
  for (const CurvePoint& point : points) text += ToJson(point).dump() + "\n";
  WriteFileAtomically(path, text);
}

void WriteCurveCsv(const std::string& path, const std::vector<CurvePoint>& points) {
  std::string text = "step,loss,gradient_norm,learning_rate,validation_loss\n";
  for (const CurvePoint& p : points) {
    text += fmt::format("{},{},{},{},{}\n", p.step, Cell(p.loss), Cell(p.gradient_norm),
                        Cell(p.learning_rate), Cell(p.validation_loss));
  }
  WriteFileAtomically(path, text);
}

}  // namespace deepthin::explorer

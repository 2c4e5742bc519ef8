// A training run's loss, step by step, in a file of one JSON object a line. No time is in it: a run
// that was killed and went on has the same curve as one that was not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "spec/fields.h"

namespace deepthin::explorer {

struct CurvePoint {
  int64_t step = 0;              // done, from 1; 0 before the first
  std::optional<double> loss{};  // of the step's batch, before the step; absent where not finite
  std::optional<double> gradient_norm{};
  std::optional<double> learning_rate{};
  std::optional<double> validation_loss{};  // after the step

  [[nodiscard]] bool diverged() const { return step > 0 && !(loss && gradient_norm); }

  friend bool operator==(const CurvePoint&, const CurvePoint&) = default;
};

// Points up to `last_step`; what is behind it is not read. Throws InputError that names file and
// line where one is no point or a step is missing.
[[nodiscard]] std::vector<CurvePoint> ReadCurve(const std::string& path, int64_t last_step);

// The file, made anew with these points; atomically. Throws EnvironmentError.
void WriteCurve(const std::string& path, const std::vector<CurvePoint>& points);

// Columns step, loss, gradient_norm, learning_rate, validation_loss; empty where absent.
void WriteCurveCsv(const std::string& path, const std::vector<CurvePoint>& points);

}  // namespace deepthin::explorer

namespace deepthin {

template <>
struct Fields<explorer::CurvePoint> {
  using S = explorer::CurvePoint;
  static constexpr auto kList = std::tuple(
      Field("step", &S::step, "steps done"),
      Field("loss", &S::loss, "of the step's batch, nats per token", Presence::kOptional),
      Field("gradient_norm", &S::gradient_norm, "before clipping", Presence::kOptional),
      Field("learning_rate", &S::learning_rate, "of the step", Presence::kOptional),
      Field("validation_loss", &S::validation_loss, "after the step", Presence::kOptional));
};

}  // namespace deepthin

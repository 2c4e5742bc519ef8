#include "explorer/whatif/crossover.h"

#include <algorithm>
#include <cmath>

#include "explorer/whatif/cliffs.h"

namespace deepthin::explorer {
namespace {

struct Sample {
  double at = 0;
  Seconds first;
  Seconds second;

  [[nodiscard]] Faster faster() const { return FasterOf(first, second); }
};

class Search {
 public:
  Search(const Question& first, const Question& second, const Axis& axis, Metric metric)
      : first_(first), second_(second), axis_(axis), metric_(metric) {}

  std::vector<Crossover> Run() {
    const std::vector<double> points = Points();
    Sample last = Ask(points.front());
    for (size_t i = 1; i < points.size(); ++i) {
      const Sample next = Ask(points[i]);
      Between(last, next);
      last = next;
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool integral() const { return axis_.parameter.is_integral(); }

  [[nodiscard]] Sample Ask(double at) const {
    Question first = first_;
    Question second = second_;
    const Setting setting = {.number = at, .text = {}};
    Apply(first, axis_.parameter, setting);
    Apply(second, axis_.parameter, setting);
    return {.at = at, .first = TimeOf(first, metric_), .second = TimeOf(second, metric_)};
  }

  // The axis's values, points between them, and the last points before and the first points behind
  // places where a time changes its course.
  [[nodiscard]] std::vector<double> Points() const {
    std::vector<double> points;
    for (const Setting& setting : axis_.values) points.push_back(setting.number);
    std::sort(points.begin(), points.end());
    const double low = points.front();
    const double high = points.back();
    for (const double at : RangeValues(low, high, kFinerPoints, {}, integral())) {
      points.push_back(at);
    }
    for (const Question* const question : {&first_, &second_}) {
      for (const double at : Breaks(*question, low, high)) {
        points.push_back(at - 1);
        points.push_back(at);
      }
    }
    std::sort(points.begin(), points.end());
    points.erase(std::unique(points.begin(), points.end()), points.end());
    return points;
  }

  [[nodiscard]] std::vector<double> Breaks(const Question& question, double low,
                                           double high) const {
    std::vector<double> breaks;
    const auto from = static_cast<int64_t>(low);
    const auto to = static_cast<int64_t>(high);
    if (metric_ != Metric::kDecode) return breaks;
    if (axis_.parameter.knob == Knob::kContext) {
      for (const int64_t at : LinearFrom(question, from, to)) {
        breaks.push_back(static_cast<double>(at));
      }
    }
    if (const auto level = CapacityLevel(question.problem.soc, axis_.parameter)) {
      if (question.problem.soc.levels[*level].kind != LevelKind::kSram) return breaks;
      for (const Cliff& cliff : CapacityCliffs(question, *level, Bytes(from), Bytes(to))) {
        breaks.push_back(static_cast<double>(cliff.at));
      }
    }
    return breaks;
  }

  // Finds one change after the other; the state at b is reached with the last of them.
  void Between(Sample a, const Sample& b) {
    while (a.faster() != b.faster()) {
      Sample below = a;
      Sample above = b;
      while (true) {
        const double middle = integral() ? std::floor(below.at + (above.at - below.at) / 2)
                                         : below.at + (above.at - below.at) / 2;
        if (middle <= below.at || middle >= above.at) break;
        const Sample sample = Ask(middle);
        (sample.faster() == a.faster() ? below : above) = sample;
      }
      Add({.at = above.at,
           .before = a.faster(),
           .after = above.faster(),
           .first_time = above.first,
           .second_time = above.second});
      a = above;
    }
  }

  // On an axis of fractions every crossing passes through a tie as narrow as rounding: no place of
  // its own.
  void Add(const Crossover& next) {
    const bool leaves_a_point = !integral() && !out_.empty() &&
                                out_.back().after == Faster::kNeither &&
                                next.at - out_.back().at <= 1e-9 * next.at;
    if (!leaves_a_point) {
      out_.push_back(next);
      return;
    }
    const Faster before = out_.back().before;
    out_.pop_back();
    if (before == next.after) return;  // the two only touch
    out_.push_back(next);
    out_.back().before = before;
  }

  static constexpr int64_t kFinerPoints = 33;

  const Question& first_;
  const Question& second_;
  const Axis& axis_;
  Metric metric_;
  std::vector<Crossover> out_;
};

}  // namespace

Faster FasterOf(Seconds first, Seconds second) {
  const double larger = std::max(first.value(), second.value());
  if (std::abs(first.value() - second.value()) <= 1e-12 * larger) return Faster::kNeither;
  return first < second ? Faster::kFirst : Faster::kSecond;
}

std::vector<Crossover> Crossovers(const Question& first, const Question& second, const Axis& axis,
                                  Metric metric) {
  return Search(first, second, axis, metric).Run();
}

}  // namespace deepthin::explorer

// Crossovers: where along an axis one model stops being faster than another.
#pragma once

#include <span>
#include <vector>

#include "explorer/whatif/axis.h"
#include "explorer/whatif/question.h"

namespace deepthin::explorer {

enum class Faster { kFirst, kNeither, kSecond };

struct Crossover {
  double at = 0;  // the first value of the axis from which `after` holds
  Faster before = Faster::kNeither;
  Faster after = Faster::kNeither;
  Seconds first_time;  // of the two models, at it
  Seconds second_time;

  friend bool operator==(const Crossover&, const Crossover&) = default;
};

// Between the lowest and the highest value of the axis, in order, by bisection: to the token or
// byte on an axis of whole numbers, to a billionth on another. Complete for decode over
// the context and over the capacity of an LRU level, since the time there is known to be linear or
// constant between places that are found exactly. Elsewhere the axis's values and points between
// them are looked at, and two crossings that lie between neighbours are not seen.
// Throws InputError as Ask() does. REQUIRES: the axis has numbers, two or more.
[[nodiscard]] std::vector<Crossover> Crossovers(const Question& first, const Question& second,
                                                const Axis& axis, Metric metric);

// Times that agree to 1e-12 are no difference.
[[nodiscard]] Faster FasterOf(Seconds first, Seconds second);

}  // namespace deepthin::explorer

template <>
struct deepthin::EnumTexts<deepthin::explorer::Faster> {
  using F = explorer::Faster;
  static constexpr std::array kList = {std::pair{F::kFirst, std::string_view("first")},
                                       std::pair{F::kNeither, std::string_view("neither")},
                                       std::pair{F::kSecond, std::string_view("second")}};
};

template <>
struct deepthin::Fields<deepthin::explorer::Crossover> {
  using S = explorer::Crossover;
  static constexpr auto kList =
      std::tuple(Field("at", &S::at, "first value from which on the second holds, in base units"),
                 Field("before", &S::before, "which is faster below"),
                 Field("after", &S::after, "which is faster from there on"),
                 Field("first_time_s", &S::first_time, "time of the first model at it"),
                 Field("second_time_s", &S::second_time, "time of the second model at it"));
};

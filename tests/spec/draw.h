// Draw<T>(): any value of a type that has a field list, for property tests. It knows no type by
// name, so a new field is drawn without a change here.
#pragma once

#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <concepts>
#include <optional>
#include <string>
#include <vector>

#include "spec/fields.h"
#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin {

// Finite, of any magnitude and sign.
[[nodiscard]] inline double DrawDouble() {
  const auto number = std::bit_cast<double>(*rc::gen::arbitrary<uint64_t>());
  return std::isfinite(number) ? number : 0.0;
}

// UTF-8 with what needs escaping in it.
[[nodiscard]] inline std::string DrawText() {
  std::string text;
  for (const std::string& piece :
       *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
           "a", "Z", "\"", "\\", "/", "\n", std::string(1, '\0'), "é", "中", "😀", " "))) {
    text += piece;
  }
  return text;
}

[[nodiscard]] inline RepeatSchedule DrawSchedule() {
  RepeatSchedule schedule;
  schedule.kind =
      *rc::gen::element(RepeatKind::kNone, RepeatKind::kImmediate, RepeatKind::kRepeatAll,
                        RepeatKind::kReverse, RepeatKind::kExplicit);
  if (schedule.kind == RepeatKind::kExplicit) {
    schedule.order = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, 1 << 14)));
  } else if (schedule.kind != RepeatKind::kNone) {
    schedule.times = *rc::gen::inRange<int64_t>(1, 1 << 14);
  }
  return schedule;
}

// Calls only inside rc::check and rc::gen::exec.
template <class T>
struct Drawn {
  static T Value() { return *rc::gen::arbitrary<T>(); }
};

template <class T>
[[nodiscard]] T Draw() {
  if constexpr (HasFields<T>) {
    T out;
    ForEachField<T>([&](const auto& field) {
      auto& member = out.*field.member;
      member = Draw<std::decay_t<decltype(member)>>();
    });
    return out;
  } else if constexpr (HasTexts<T>) {
    return EnumTexts<T>::kList[*rc::gen::inRange<size_t>(0, EnumTexts<T>::kList.size())].first;
  } else if constexpr (kIsQuantity<T>) {
    return T(Draw<typename T::rep>());
  } else {
    return Drawn<T>::Value();
  }
}

template <>
struct Drawn<double> {
  static double Value() { return DrawDouble(); }
};
template <>
struct Drawn<std::string> {
  static std::string Value() { return DrawText(); }
};
template <>
struct Drawn<RepeatSchedule> {
  static RepeatSchedule Value() { return DrawSchedule(); }
};
template <class T>
struct Drawn<std::optional<T>> {
  static std::optional<T> Value() {
    return *rc::gen::arbitrary<bool>() ? std::optional<T>(Draw<T>()) : std::nullopt;
  }
};
template <class T>
struct Drawn<std::vector<T>> {
  static std::vector<T> Value() {
    std::vector<T> out;
    const auto n = *rc::gen::inRange(0, 3);
    for (int i = 0; i < n; ++i) out.push_back(Draw<T>());
    return out;
  }
};

}  // namespace deepthin

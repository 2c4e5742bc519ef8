// Random values of every type that has a field list, made by walking the list: a field that is
// added later is random at once, and round trips fail until it is stored. To be called inside
// rapidcheck.
#pragma once

#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "results/record/trial.h"
#include "spec/fields.h"
#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin::results {

template <class T>
struct RandomValue;

template <class T>
[[nodiscard]] T Random() {
  return RandomValue<T>::Make();
}

inline int64_t RandomBelow(int64_t bound) { return *rc::gen::inRange<int64_t>(0, bound); }

template <class T>
struct RandomValue {
  static T Make() {
    if constexpr (HasFields<T>) {
      T value;
      ForEachField<T>([&](const auto& field) {
        auto& member = value.*field.member;
        member = Random<std::remove_cvref_t<decltype(member)>>();
      });
      return value;
    } else if constexpr (HasTexts<T>) {
      constexpr auto& kTexts = EnumTexts<T>::kList;
      return kTexts[static_cast<size_t>(RandomBelow(static_cast<int64_t>(kTexts.size())))].first;
    } else {
      static_assert(kIsQuantity<T>);
      return T(Random<typename T::rep>());
    }
  }
};

template <>
struct RandomValue<bool> {
  static bool Make() { return RandomBelow(2) == 1; }
};

template <>
struct RandomValue<int64_t> {
  static int64_t Make() {
    switch (RandomBelow(8)) {
      case 0:
        return INT64_MAX;
      case 1:
        return INT64_MIN;
      case 2:
        return 0;
      default:
        return static_cast<int64_t>(*rc::gen::arbitrary<uint64_t>());
    }
  }
};

// Any bit pattern that is a finite number, denormal ones included.
template <>
struct RandomValue<double> {
  static double Make() {
    const int64_t high = *rc::gen::inRange<int64_t>(INT64_MIN, INT64_MAX);
    const double value = std::bit_cast<double>(high);
    if (!std::isfinite(value) || RandomBelow(4) == 0) return static_cast<double>(high % 1000) / 8;
    return value;
  }
};

// Quotes, line ends, commas, a zero byte, and letters of two to four bytes.
template <>
struct RandomValue<std::string> {
  static std::string Make() {
    static const std::vector<std::string> pieces = {
        "a", "Z", "0", " ", "'", "\"", "\n", "\\", ",", "%", std::string(1, '\0'), "é", "→", "😀"};
    std::string text;
    for (int64_t i = RandomBelow(8); i > 0; --i) {
      text += pieces[static_cast<size_t>(RandomBelow(static_cast<int64_t>(pieces.size())))];
    }
    return text;
  }
};

template <>
struct RandomValue<RepeatSchedule> {
  static RepeatSchedule Make() {
    RepeatSchedule schedule{.kind = Random<RepeatKind>(), .times = 1, .order = {}};
    if (schedule.kind == RepeatKind::kExplicit) {
      for (int64_t i = 1 + RandomBelow(5); i > 0; --i) schedule.order.push_back(RandomBelow(30));
    } else if (schedule.kind != RepeatKind::kNone) {
      schedule.times = 1 + RandomBelow(4);
    }
    return schedule;
  }
};

template <class T>
struct RandomValue<std::vector<T>> {
  static std::vector<T> Make() {
    std::vector<T> values;
    for (int64_t i = RandomBelow(4); i > 0; --i) values.push_back(Random<T>());
    return values;
  }
};

template <class T>
struct RandomValue<std::optional<T>> {
  static std::optional<T> Make() {
    if (Random<bool>()) return std::nullopt;
    return Random<T>();
  }
};

template <>
struct RandomValue<Outcome> {
  static Outcome Make() {
    switch (RandomBelow(6)) {
      case 0:
        return Random<CostEstimate>();
      case 4:
        return Random<TrainingRecord>();
      case 1:
        return Random<Measurement>();
      case 2:
        return Random<ProxyScore>();
      case 3:
        return Random<Infeasible>();
      default:
        return Random<Failure>();
    }
  }
};

}  // namespace deepthin::results

#include "results/storable.h"

#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "spec/errors.h"
#include "spec/fields.h"

namespace deepthin::results {
namespace {

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (length == 0 || lead > 0xF4 || i + length > text.size()) return false;
    for (size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      unsigned low = 0x80;
      unsigned high = 0xBF;
      if (k == 1 && lead == 0xE0) low = 0xA0;
      if (k == 1 && lead == 0xED) high = 0x9F;
      if (k == 1 && lead == 0xF0) low = 0x90;
      if (k == 1 && lead == 0xF4) high = 0x8F;
      if (byte < low || byte > high) return false;
    }
    i += length;
  }
  return true;
}

enum class Texts { kAny, kUtf8 };

// Walks a value by its field lists. The path is only put together when something is found.
class Checker {
 public:
  Checker(std::string whose, Texts texts) : whose_(std::move(whose)), texts_(texts) {}

  template <class T>
  void Check(const T& value) {
    if constexpr (HasFields<T>) {
      ForEachField<T>([&](const auto& field) { CheckAt(field.name, value.*field.member); });
    } else if constexpr (kIsVector<T>) {
      for (size_t i = 0; i < value.size(); ++i) {
        index_.push_back(i);
        CheckAt({}, value[i]);
        index_.pop_back();
      }
    } else if constexpr (kIsOptional<T>) {
      if (value) Check(*value);
    } else if constexpr (kIsQuantity<T>) {
      Check(value.value());
    } else if constexpr (std::is_same_v<T, double>) {
      if (!std::isfinite(value)) Refuse("is " + std::to_string(value), "a finite number");
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (texts_ == Texts::kUtf8 && !IsUtf8(value)) Refuse("is not valid UTF-8", "UTF-8 text");
    } else if constexpr (std::is_same_v<T, RepeatSchedule>) {
      CheckRepeat(value);
    }
  }

 private:
  // An empty name stands for the array index on top of index_.
  template <class T>
  void CheckAt(std::string_view name, const T& value) {
    path_.push_back(name);
    Check(value);
    path_.pop_back();
  }

  void CheckRepeat(const RepeatSchedule& schedule) {
    const std::string text = ToText(schedule);
    bool is_same = false;
    try {
      is_same = RepeatScheduleFromText(text) == schedule;
    } catch (const InputError&) {
    }
    if (!is_same) Refuse("is not what its text '" + text + "' says", "a valid schedule");
  }

  [[noreturn]] void Refuse(const std::string& found, const std::string& expected) const {
    std::string place;
    size_t next_index = 0;
    for (const std::string_view name : path_) {
      place += '/';
      place += name.empty() ? std::to_string(index_[next_index++]) : std::string(name);
    }
    throw InputError({whose_, place}, found, expected);
  }

  std::string whose_;
  Texts texts_;
  std::vector<std::string_view> path_;
  std::vector<size_t> index_;
};

}  // namespace

void RequireStorable(const Point& point) {
  Checker checker("point " + std::to_string(point.index), Texts::kUtf8);
  std::visit([&](const auto& problem) { checker.Check(problem); }, point.problem);
}

void RequireStorable(const Trial& trial) {
  // Messages may quote file names, which are bytes: they are kept as they are.
  Checker checker("trial " + trial.key, Texts::kAny);
  if (!std::isfinite(trial.duration.value())) {
    throw InputError({"trial " + trial.key, "/duration_s"},
                     "is " + std::to_string(trial.duration.value()), "a finite number");
  }
  std::visit([&](const auto& outcome) { checker.Check(outcome); }, trial.outcome);
}

void ThrowNoSuchPoint(const std::string& sweep_hash, int64_t point_index) {
  throw InputError({"sweep " + sweep_hash, ""}, "has no point " + std::to_string(point_index),
                   "a point that was put with the sweep");
}

void ThrowNoSuchTrial(const std::string& key) {
  throw InputError({"trial " + key, ""}, "is not in the store", "the key of a stored trial");
}

void ThrowPointTwice(int64_t point_index) {
  throw InputError({"point " + std::to_string(point_index), ""}, "is there twice",
                   "each index once in a sweep");
}

}  // namespace deepthin::results

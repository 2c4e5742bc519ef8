#include "explorer/whatif/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "spec/precision.h"

namespace deepthin::explorer {
namespace {

// Larger numbers of tokens or requests are refused by Validate(Workload) in other words.
constexpr double kMostCount = 1 << 24;
constexpr double kMostNumber = 1e18;

std::string NumberText(double value, const std::optional<Unit>& unit, bool integral) {
  if (!unit) return integral ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
  return fmt::format("{:.6g} {}", value / unit->per_base, unit->name);
}

class AxisParser {
 public:
  AxisParser(const SocSpec& soc, std::string_view text, const InputError::Where& where)
      : where_(where) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0)
      Fail("is '" + std::string(text) + "'", "NAME=VALUES, as sram.capacity=1MiB..64MiB");
    axis_.parameter = ParameterByName(soc, text.substr(0, equals), where);
    values_ = text.substr(equals + 1);
    if (values_.empty()) Fail("gives " + name() + " no value", ExpectedValue());
  }

  Axis Parse() {
    if (!axis_.parameter.is_format() && values_.find("..") != std::string_view::npos) {
      ParseRange();
    } else {
      ParseList();
    }
    return std::move(axis_);
  }

 private:
  [[nodiscard]] const std::string& name() const { return axis_.parameter.name; }
  [[noreturn]] void Fail(const std::string& found, const std::string& expected) const {
    throw InputError(where_, found, expected);
  }

  [[nodiscard]] std::string ExpectedValue() const {
    if (axis_.parameter.knob == Knob::kPrecision) {
      std::string names;
      for (const NamedPrecision& known : kPrecisions) {
        names += (names.empty() ? "one of " : ", ") + std::string(known.name);
      }
      return names;
    }
    if (axis_.parameter.is_format()) return TextChoices<Dtype>();
    return Expected(axis_.parameter.dimension);
  }

  [[noreturn]] void FailValue(std::string_view text) const {
    Fail("gives " + name() + " as '" + std::string(text) + "'", ExpectedValue());
  }

  // unit: of the other end of a range, for an end that has none.
  [[nodiscard]] Amount ParseNumber(std::string_view text, std::optional<Unit> unit = {}) const {
    const Dimension dimension = axis_.parameter.dimension;
    auto amount = ParseAmount(text, dimension);
    if (!amount) FailValue(text);
    if (!amount->unit) amount->unit = unit;
    if (dimension == Dimension::kCount) {
      if (amount->number < 1 || amount->number != std::floor(amount->number)) FailValue(text);
      if (amount->number > kMostCount)
        Fail("gives " + name() + " as '" + std::string(text) + "'",
             fmt::format("at most {:.0f}", kMostCount));
    } else if (!amount->unit && !axis_.parameter.unit_in_name) {
      FailValue(text);
    }
    const double value = amount->value();
    const bool may_be_zero = dimension == Dimension::kSeconds ||
                             dimension == Dimension::kJoulesPerByte ||
                             dimension == Dimension::kJoulesPerMac;
    if ((value == 0 && !may_be_zero) || (dimension == Dimension::kBytes && value < 1) ||
        value > kMostNumber) {
      Fail("gives " + name() + " as '" + std::string(text) + "'",
           "a positive value that hardware could have");
    }
    return *amount;
  }

  void ParseRange() {
    const size_t dots = values_.find("..");
    const std::string_view low_text = values_.substr(0, dots);
    std::string_view high_text = values_.substr(dots + 2);
    std::optional<int64_t> count;
    if (const size_t colon = high_text.find(':'); colon != std::string_view::npos) {
      count = ParseCount(high_text.substr(colon + 1));
      high_text = high_text.substr(0, colon);
    }
    const Amount high = ParseNumber(high_text);
    const Amount low = ParseNumber(low_text, high.unit);
    if (low.value() >= high.value()) {
      Fail("gives " + name() + " the empty range " + std::string(values_),
           low.value() == high.value() ? "two ends that differ"
                                       : "the smaller end first, as " + std::string(high_text) +
                                             ".." + std::string(low_text));
    }
    // A range from MiB to GiB is shown in MiB.
    axis_.unit = low.unit;
    const bool integral = axis_.parameter.is_integral();
    std::optional<double> unit;  // tokens stay as they fall
    if (axis_.parameter.dimension != Dimension::kCount)
      unit = axis_.unit ? axis_.unit->per_base : 1;
    for (const double value : RangeValues(low.value(), high.value(), count, unit, integral)) {
      axis_.values.push_back(SettingOf(axis_, value));
    }
    axis_.is_range = true;
  }

  [[nodiscard]] int64_t ParseCount(std::string_view text) const {
    const auto amount = ParseAmount(text, Dimension::kCount);
    if (!amount || amount->number < 2 || amount->number > static_cast<double>(kMostValues) ||
        amount->number != std::floor(amount->number)) {
      Fail("asks for '" + std::string(text) + "' points of " + name(),
           fmt::format("a whole number from 2 to {}", kMostValues));
    }
    return static_cast<int64_t>(amount->number);
  }

  void ParseList() {
    std::string_view rest = values_;
    while (true) {
      const size_t comma = rest.find(',');
      const std::string_view text = rest.substr(0, comma);
      const Setting setting = ParseSetting(text);
      for (const Setting& known : axis_.values) {
        if (known.number == setting.number && known.dtype == setting.dtype &&
            known.precision == setting.precision)
          Fail("gives " + name() + " '" + std::string(text) + "' twice", "each value once");
      }
      axis_.values.push_back(setting);
      if (axis_.values.size() > static_cast<size_t>(kMostValues))
        Fail("gives " + name() + " too many values", fmt::format("at most {}", kMostValues));
      if (comma == std::string_view::npos) return;
      rest.remove_prefix(comma + 1);
    }
  }

  [[nodiscard]] Setting ParseSetting(std::string_view text) {
    Setting setting = {.text = std::string(text)};
    if (axis_.parameter.knob == Knob::kPrecision) {
      setting.precision = PrecisionByName(text);
      if (!setting.precision) FailValue(text);
    } else if (axis_.parameter.is_format()) {
      setting.dtype = FromText<Dtype>(text);
      if (!setting.dtype) FailValue(text);
    } else {
      const Amount amount = ParseNumber(text);
      const bool integral = axis_.parameter.is_integral();
      if (axis_.values.empty()) axis_.unit = amount.unit;
      setting.number = integral ? std::round(amount.value()) : amount.value();
      setting.text = NumberText(setting.number, amount.unit, integral);
    }
    return setting;
  }

  InputError::Where where_;
  Axis axis_;
  std::string_view values_;
};

double ThreeDigits(double value) {
  if (value == 0) return 0;
  const double scale = std::pow(10, 2 - std::floor(std::log10(value)));
  return std::round(value * scale) / scale;
}

}  // namespace

Axis ParseAxis(const SocSpec& soc, std::string_view text, const InputError::Where& where) {
  return AxisParser(soc, text, where).Parse();
}

std::vector<double> RangeValues(double low, double high, std::optional<int64_t> n,
                                std::optional<double> unit, bool integral) {
  constexpr int64_t kFewest = 5;
  constexpr int64_t kMost = 13;
  const bool linear = low == 0;
  if (!n) {
    const int64_t doublings = linear ? 0 : std::lround(std::log2(high / low));
    n = std::clamp(doublings + 1, kFewest, kMost);
  }
  const auto steps = static_cast<double>(*n - 1);
  const double ratio = linear ? 0 : std::pow(high / low, 1 / steps);
  const bool doubles = std::abs(ratio - 2) < 1e-9;
  std::vector<double> values = {low};
  for (int64_t i = 1; i < *n - 1; ++i) {
    const auto step = static_cast<double>(i);
    double value = linear ? high * step / steps : low * std::pow(ratio, step);
    if (doubles) {
      value = std::ldexp(low, static_cast<int>(i));
    } else if (unit) {
      value = ThreeDigits(value / *unit) * *unit;
    }
    if (integral) value = std::round(value);
    if (value > values.back() && value < high) values.push_back(value);
  }
  values.push_back(high);
  return values;
}

Setting SettingOf(const Axis& axis, double number) {
  return {.number = number, .text = NumberText(number, axis.unit, axis.parameter.is_integral())};
}

}  // namespace deepthin::explorer

#include "explorer/whatif/sensitivity.h"

#include <algorithm>
#include <cmath>

#include "explorer/soc_names.h"
#include "explorer/sources.h"
#include "explorer/whatif/parameter.h"

namespace deepthin::explorer {
namespace {

// Of Validate(SocSpec).
constexpr double kSmallest = 1e-18;
constexpr double kLargest = 1e18;

struct Changed {
  double value = 0;  // as it was set: whole for bytes
  Question question;
};

Changed With(const Question& question, size_t index, double value, Dimension dimension) {
  value = std::clamp(value, kSmallest, dimension == Dimension::kShare ? 1.0 : kLargest);
  if (dimension == Dimension::kBytes) value = std::max(1.0, std::round(value));
  Changed changed = {.value = value, .question = question};
  SetNumber(changed.question.problem.soc, index, value);
  return changed;
}

}  // namespace

double Sensitivity::size() const {
  return std::max(
      {std::abs(decode), std::abs(prefill), std::abs(decode_halved), std::abs(decode_doubled)});
}

std::vector<Sensitivity> Sensitivities(const Question& question) {
  constexpr double kStep = 1e-6;  // small beside the gaps between limits, large beside rounding
  const double base = DecodeOf(question).time.value();
  std::vector<Sensitivity> out;
  const auto numbers = SourcedNumbers(question.problem.soc);
  for (size_t i = 0; i < numbers.size(); ++i) {
    Sensitivity row;
    row.path = numbers[i].path;
    row.name = WithoutUnit(KindName(question.problem.soc, row.path));
    row.value = numbers[i].value;
    if (row.value > 0) {
      const Dimension dimension = DimensionOf(row.path);
      const Changed more = With(question, i, row.value * std::exp(kStep), dimension);
      const Changed less = With(question, i, row.value * std::exp(-kStep), dimension);
      const double width = std::log(more.value / less.value);
      const auto slope = [&](Metric metric) {
        if (width == 0) return 0.0;
        return std::log(TimeOf(more.question, metric) / TimeOf(less.question, metric)) / width;
      };
      row.decode = slope(Metric::kDecode);
      row.prefill = slope(Metric::kPrefill);
      const auto change = [&](double factor) {
        const Changed other = With(question, i, row.value * factor, dimension);
        return DecodeOf(other.question).time.value() / base - 1;
      };
      row.decode_halved = change(0.5);
      row.decode_doubled = change(2);
    }
    out.push_back(std::move(row));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Sensitivity& a, const Sensitivity& b) { return a.size() > b.size(); });
  return out;
}

}  // namespace deepthin::explorer

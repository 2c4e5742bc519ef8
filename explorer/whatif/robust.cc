#include "explorer/whatif/robust.h"

#include <algorithm>
#include <cmath>

#include "explorer/soc_names.h"
#include "explorer/sources.h"
#include "explorer/whatif/low_discrepancy.h"
#include "spec/robust_stats.h"

namespace deepthin::explorer {
namespace {

// No time of a pass depends on energies, on flash, on how much DRAM there is, on init or on heat.
bool MovesTimes(const std::string& kind_name, Dimension dimension) {
  const bool energy = dimension == Dimension::kJoules || dimension == Dimension::kJoulesPerByte ||
                      dimension == Dimension::kJoulesPerMac;
  return !energy && !kind_name.starts_with("flash") && kind_name != "dram.capacity" &&
         kind_name != "init_per_stored_block" && kind_name != "sustained_share";
}

double Inside(const BoxSide& side, double share) {
  if (side.low <= 0) return side.low + share * (side.high - side.low);
  return side.low * std::pow(side.high / side.low, share);
}

RobustModel Summary(std::span<const double> times, std::span<const double> regrets) {
  RobustModel out;
  const auto best =
      std::count_if(regrets.begin(), regrets.end(), [](double regret) { return regret <= 1e-12; });
  out.best_share = static_cast<double>(best) / static_cast<double>(regrets.size());
  out.median_regret = Median(regrets);
  out.worst_regret = *std::max_element(regrets.begin(), regrets.end());
  out.low_time = Seconds(Quantile(times, 0.1));
  out.median_time = Seconds(Median(times));
  out.high_time = Seconds(Quantile(times, 0.9));
  return out;
}

}  // namespace

std::vector<BoxSide> StatedBox(const SocSpec& soc) {
  std::vector<BoxSide> box;
  for (const SourcedNumber& number : SourcedNumbers(soc)) {
    const Dimension dimension = DimensionOf(number.path);
    if (!number.has_range() || !MovesTimes(WithoutUnit(KindName(soc, number.path)), dimension))
      continue;
    box.push_back({.parameter = ParameterByName(soc, number.path, {}),
                   .low = *number.low,
                   .high = *number.high});
  }
  return box;
}

void ReplaceSide(std::vector<BoxSide>& box, const BoxSide& side) {
  const auto& numbers = side.parameter.numbers;
  const auto moved = [&](const BoxSide& other) {
    return std::any_of(other.parameter.numbers.begin(), other.parameter.numbers.end(),
                       [&](size_t number) {
                         return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
                       });
  };
  box.erase(std::remove_if(box.begin(), box.end(), moved), box.end());
  box.push_back(side);
}

BoxSide ParseSide(const SocSpec& soc, std::string_view text, const InputError::Where& where) {
  const Axis axis = ParseAxis(soc, text, where);
  if (axis.parameter.knob != Knob::kHardware || !axis.is_range) {
    throw InputError(where, "is '" + std::string(text) + "'",
                     "a hardware number and its range, as dram.bandwidth=10..34GB/s");
  }
  return {.parameter = axis.parameter, .low = axis.low(), .high = axis.high()};
}

std::vector<RobustModel> AskBox(std::span<const Question> models, std::span<const BoxSide> box,
                                Metric metric, int64_t samples, uint64_t seed) {
  const ScrambledHalton points(box.size(), seed);
  std::vector<Question> asked(models.begin(), models.end());
  std::vector<std::vector<double>> times(models.size());
  std::vector<std::vector<double>> regrets(models.size());
  for (int64_t i = 0; i < samples; ++i) {
    for (size_t m = 0; m < asked.size(); ++m) {
      for (size_t side = 0; side < box.size(); ++side) {
        const double value = Inside(box[side], points.At(i, side));
        Apply(asked[m], box[side].parameter, {.number = value, .text = {}});
      }
      times[m].push_back(TimeOf(asked[m], metric).value());
    }
    double best = times[0].back();
    for (const auto& of_model : times) best = std::min(best, of_model.back());
    for (size_t m = 0; m < asked.size(); ++m) regrets[m].push_back(times[m].back() / best - 1);
  }
  std::vector<RobustModel> out;
  for (size_t m = 0; m < models.size(); ++m) {
    out.push_back(Summary(times[m], regrets[m]));
  }
  return out;
}

}  // namespace deepthin::explorer

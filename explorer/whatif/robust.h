// Robust choice: which model stays the best while hardware numbers lie anywhere in their ranges.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "explorer/whatif/axis.h"
#include "explorer/whatif/question.h"

namespace deepthin::explorer {

// One side of the box: a hardware parameter, from low to high in base units.
struct BoxSide {
  Parameter parameter;
  double low = 0;
  double high = 0;
};

// The numbers of a SoC with a stated range that a time can depend on: no energies, no flash, no
// capacity of DRAM.
[[nodiscard]] std::vector<BoxSide> StatedBox(const SocSpec& soc);

// Takes the place of the sides that move one of its numbers.
void ReplaceSide(std::vector<BoxSide>& box, const BoxSide& side);

// "key=low..high". Throws InputError at `where`, also for what is no hardware number.
[[nodiscard]] BoxSide ParseSide(const SocSpec& soc, std::string_view text,
                                const InputError::Where& where);

struct RobustModel {
  double best_share = 0;  // of the box; ties count for each
  // How much longer than with the best model of the same sample, relative.
  double median_regret = 0;
  double worst_regret = 0;
  Seconds low_time;  // a tenth of the samples are shorter
  Seconds median_time;
  Seconds high_time;  // a tenth are longer

  friend bool operator==(const RobustModel&, const RobustModel&) = default;
};

// Evenly spread samples of the box (ScrambledHalton), each number apart from the others: by the
// logarithm, or by the value where low is 0. The shares say how much of the box, not how probable.
// Throws InputError as Ask() does. REQUIRES: one model or more, one sample or more.
[[nodiscard]] std::vector<RobustModel> AskBox(std::span<const Question> models,
                                              std::span<const BoxSide> box, Metric metric,
                                              int64_t samples, uint64_t seed);

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::RobustModel> {
  using S = explorer::RobustModel;
  static constexpr auto kList = std::tuple(
      Field("best_share", &S::best_share, "share of the box in which it is the fastest"),
      Field("median_regret", &S::median_regret, "relative to the fastest of each sample"),
      Field("worst_regret", &S::worst_regret, "the largest of the samples"),
      Field("low_time_s", &S::low_time, "a tenth of the samples are shorter"),
      Field("median_time_s", &S::median_time, "half of them are shorter"),
      Field("high_time_s", &S::high_time, "a tenth are longer"));
};

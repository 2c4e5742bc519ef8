// Sensitivities: how much of a time each hardware number answers for.
//
// d ln(time) / d ln(number): -0.98 says that 1 % more bandwidth takes 0.98 % off. Over all rates
// and fixed costs they add up: rates x k and fixed costs / k divide every time by k, so the sum
// over the rates less the sum over the fixed costs is -1 (Euler's theorem on homogeneous
// functions).
#pragma once

#include <string>
#include <vector>

#include "explorer/whatif/question.h"

namespace deepthin::explorer {

struct Sensitivity {
  std::string path;  // "levels.1.read_bandwidth_bytes_per_s"
  std::string name;  // "dram.read_bandwidth"
  double value = 0;  // in base units
  double decode = 0;
  double prefill = 0;
  // Relative change of the decoded token's time with half and with twice the number: what a
  // capacity does, whose effect comes in steps.
  double decode_halved = 0;
  double decode_doubled = 0;

  // The largest of what it does, without its sign.
  [[nodiscard]] double size() const;

  friend bool operator==(const Sensitivity&, const Sensitivity&) = default;
};

// Of every number of the SoC, largest first; numbers that are 0 have a sensitivity of 0. Central
// differences over a millionth to each side: exact to some 1e-8 where no operator changes what
// limits it within them, and the mean of both sides where one does. Throws InputError as Ask()
// does.
[[nodiscard]] std::vector<Sensitivity> Sensitivities(const Question& question);

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::Sensitivity> {
  using S = explorer::Sensitivity;
  static constexpr auto kList = std::tuple(
      Field("path", &S::path, "place of the number in the SoC's JSON form"),
      Field("name", &S::name, "what it is called"),
      Field("value", &S::value, "in the base unit that the path ends in"),
      Field("decode", &S::decode, "d ln(time of a decoded token) / d ln(number)"),
      Field("prefill", &S::prefill, "d ln(time to first token) / d ln(number)"),
      Field("decode_change_halved", &S::decode_halved, "relative change with half of it"),
      Field("decode_change_doubled", &S::decode_doubled, "relative change with twice of it"));
};

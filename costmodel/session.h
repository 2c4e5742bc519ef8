// SessionCost: what a user feels beside the passes themselves: loading and preparing the model, what
// heat leaves of the speed, how long a battery lasts. docs/cost-model.md, "Loading, heat, power and
// battery".
#pragma once

#include <array>
#include <optional>

#include "spec/cost_estimate.h"
#include "spec/fields.h"
#include "spec/problem.h"
#include "spec/units.h"

namespace deepthin::costmodel {

// Absent where the SocSpec does not say what it takes: flash, costs of init, what is left when the
// device is hot, energies, a battery. Without `sustained` a battery lasts as at full speed.
// Energies are those of the memory levels and the arithmetic alone: no screen, no idle SoC, no
// operating system.
struct SessionCost {
  std::optional<Seconds> load;               // weights from flash into DRAM
  std::optional<double> prefill_power;       // W, mean over the pass
  std::optional<double> decode_power;        // W, mean over a token
  std::optional<Seconds> init;               // preparing the weights of all stored blocks
  std::optional<Seconds> sustained_token;    // a decoded token when the device is hot
  std::optional<Seconds> battery;            // a full one, decoding without a pause
  std::optional<double> tokens_of_a_charge;  // decoded meanwhile

  friend bool operator==(const SessionCost&, const SessionCost&) = default;
};

// estimate: Estimate(problem).
[[nodiscard]] SessionCost SessionOf(const Problem& problem, const CostEstimate& estimate);

}  // namespace deepthin::costmodel

template <>
struct deepthin::Fields<deepthin::costmodel::SessionCost> {
  using S = costmodel::SessionCost;
  static constexpr auto kList = std::tuple(
      Field("load_time_s", &S::load, "weights from flash into DRAM", Presence::kOptional),
      Field("init_time_s", &S::init, "preparing weights before the first pass",
            Presence::kOptional),
      Field("sustained_token_s", &S::sustained_token, "a decoded token when the device is hot",
            Presence::kOptional),
      Field("prefill_power_w", &S::prefill_power, "mean power of memory and arithmetic",
            Presence::kOptional),
      Field("decode_power_w", &S::decode_power, "mean power of memory and arithmetic",
            Presence::kOptional),
      Field("battery_s", &S::battery, "a full battery, decoding", Presence::kOptional),
      Field("tokens_per_charge", &S::tokens_of_a_charge, "decoded from a full battery",
            Presence::kOptional));
};

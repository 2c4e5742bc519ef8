// TokenPicker: chooses the next token from the logits. Deterministic in its options and the logits
// it was given.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "spec/errors.h"
#include "spec/random.h"

namespace deepthin::runtime {

struct PickerOptions {
  double temperature = 1.0;        // 0: always the greatest logit; above 1: flatter
  std::optional<int64_t> top_k{};  // only the k most probable
  double top_p = 1.0;  // of these, the fewest that reach this share of their probability
  uint64_t seed = 1;
};

// Throws InputError that names the option.
void Validate(const PickerOptions& options, const InputError::Where& root = {});

// One thread at a time.
class TokenPicker {
 public:
  // Throws InputError as Validate does.
  explicit TokenPicker(const PickerOptions& options);

  // Index of the chosen logit; the lowest index among equals at temperature 0. Logits of minus
  // infinity are never chosen. REQUIRES: not empty. Throws InputError where a logit is NaN or plus
  // infinity, or all are minus infinity: the weights are damaged.
  [[nodiscard]] int32_t Pick(std::span<const float> logits);

 private:
  struct Candidate {
    double weight;  // probability, not normalised
    int32_t id;
  };

  [[nodiscard]] int32_t Draw(double total);

  PickerOptions options_;
  SplitMix64 random_;
  std::vector<Candidate> candidates_;  // kept from call to call for its storage
};

// Index of the greatest, the lowest among equals. REQUIRES and throws as TokenPicker::Pick.
[[nodiscard]] int32_t GreatestLogit(std::span<const float> logits);

}  // namespace deepthin::runtime

#include "runtime/text/token_picker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace deepthin::runtime {

void Validate(const PickerOptions& options, const InputError::Where& root) {
  const auto at = [&](const char* name) -> InputError::Where {
    return {root.file, root.place + "/" + name};
  };
  if (!(options.temperature >= 0) || std::isinf(options.temperature)) {
    throw InputError(at("temperature"), "is " + std::to_string(options.temperature),
                     "a number from 0 on");
  }
  if (options.top_k && *options.top_k < 1) {
    throw InputError(at("top_k"), "is " + std::to_string(*options.top_k), "1 or more");
  }
  if (!(options.top_p > 0 && options.top_p <= 1)) {
    throw InputError(at("top_p"), fmt::format("is {}", options.top_p),
                     "a number above 0 and up to 1");
  }
}

TokenPicker::TokenPicker(const PickerOptions& options) : options_(options), random_(options.seed) {
  Validate(options);
}

int32_t GreatestLogit(std::span<const float> logits) {
  DEEPTHIN_CHECK(!logits.empty());
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  size_t best = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] < kInfinity)) {
      throw InputError({}, "the logit of token " + std::to_string(i) + " is not finite",
                       "weights that give finite logits");
    }
    if (logits[i] > logits[best]) best = i;
  }
  if (logits[best] == -kInfinity) {
    throw InputError({}, "all logits are minus infinity", "weights that give finite logits");
  }
  return static_cast<int32_t>(best);
}

int32_t TokenPicker::Pick(std::span<const float> logits) {
  const int32_t greatest = GreatestLogit(logits);
  if (options_.temperature == 0) return greatest;

  const double shift = logits[static_cast<size_t>(greatest)];
  candidates_.clear();
  for (size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp((logits[i] - shift) / options_.temperature);
    if (weight > 0) candidates_.push_back({weight, static_cast<int32_t>(i)});
  }
  // Strict: equal weights go by index, so that the result does not depend on the library's sort.
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  };
  if (options_.top_k && *options_.top_k < static_cast<int64_t>(candidates_.size())) {
    const auto kept = static_cast<size_t>(*options_.top_k);
    std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<ptrdiff_t>(kept),
                     candidates_.end(), before);
    candidates_.resize(kept);
  }
  if (options_.top_k || options_.top_p < 1) {
    std::sort(candidates_.begin(), candidates_.end(), before);
  }
  double total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  if (options_.top_p < 1) {
    const double wanted = options_.top_p * total;
    size_t kept = 0;
    total = 0;
    while (kept < candidates_.size() && total < wanted) total += candidates_[kept++].weight;
    candidates_.resize(kept);
  }
  return Draw(total);
}

int32_t TokenPicker::Draw(double total) {
  const double drawn = random_.NextUnit() * total;
  double sum = 0;
  for (const Candidate& candidate : candidates_) {
    sum += candidate.weight;
    if (drawn < sum) return candidate.id;
  }
  return candidates_.back().id;  // drawn was rounded up to total
}

}  // namespace deepthin::runtime

#include "runtime/trainer/training_options.h"

#include <cmath>
#include <string>

#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

void Require(bool holds, const char* option, const std::string& found, const char* expected) {
  if (!holds) throw InputError({"", option}, "is " + found, expected);
}

}  // namespace

void Validate(const TrainingOptions& options) {
  const auto& [shape, rate, adamw, clip_norm, parametrisation, precision] = options;
  static_cast<void>(parametrisation);  // any will do
  const auto is_share = [](double x) { return x >= 0 && x < 1; };
  const auto is_positive = [](double x) { return x > 0 && std::isfinite(x); };
  Require(shape.sequences >= 1, "sequences", std::to_string(shape.sequences), "1 or more");
  Require(shape.length >= 1, "length", std::to_string(shape.length), "1 or more");
  Require(rate.steps >= 1, "steps", std::to_string(rate.steps), "1 or more");
  Require(rate.warmup_steps >= 0 && rate.warmup_steps <= rate.steps, "warmup_steps",
          std::to_string(rate.warmup_steps), "from 0 to the number of steps");
  Require(is_positive(rate.peak), "peak", std::to_string(rate.peak), "a rate above 0");
  Require(rate.final_share >= 0 && rate.final_share <= 1, "final_share",
          std::to_string(rate.final_share), "from 0 to 1");
  Require(is_share(adamw.beta1), "beta1", std::to_string(adamw.beta1), "from 0 to below 1");
  Require(is_share(adamw.beta2), "beta2", std::to_string(adamw.beta2), "from 0 to below 1");
  Require(is_positive(adamw.epsilon), "epsilon", std::to_string(adamw.epsilon), "above 0");
  Require(adamw.decay >= 0 && std::isfinite(adamw.decay), "decay", std::to_string(adamw.decay),
          "0 or more");
  Require(is_positive(clip_norm), "clip_norm", std::to_string(clip_norm), "above 0");
  Require(IsSupported(precision), "precision", "bf16",
          "f32: this CPU does not multiply bf16 faster, or DEEPTHIN_FORCE_TARGET hides that");
}

}  // namespace deepthin::runtime

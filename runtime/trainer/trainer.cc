#include "runtime/trainer/trainer.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

const TrainingOptions& Validated(const TrainingOptions& options) {
  Validate(options);
  return options;
}

void Require(bool holds, const char* option, const std::string& found, const char* expected) {
  if (!holds) throw InputError({"", option}, "is " + found, expected);
}

}  // namespace

void Validate(const TrainingOptions& options) {
  const auto& [shape, rate, adamw, clip_norm] = options;
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
}

Trainer::Trainer(const Weights& initial, const TrainingOptions& options, ThreadPool& pool)
    : spec_(initial.spec),
      options_(Validated(options)),
      pool_(pool),
      model_(spec_, options.shape, pool),
      adamw_(model_.layout(), options.adamw, pool),
      parameters_(1, model_.layout().count, "the weights in training"),
      gradient_(1, model_.layout().count, "the gradient") {
  ReadWeights(initial, model_.layout(), parameters_.values());
}

TrainingStep Trainer::Step(BatchView batch) {
  DEEPTHIN_CHECK(step_ < options_.rate.steps);
  TrainingStep result;
  result.learning_rate = LearningRate(options_.rate, step_);
  result.loss = model_.LossAndGradient(parameters_.values(), batch, gradient_.values());
  result.gradient_norm = GlobalNorm(gradient_.values(), pool_);
  result.diverged = !std::isfinite(result.loss) || !std::isfinite(result.gradient_norm);
  ++step_;
  if (result.diverged) return result;
  // Pascanu, Mikolov & Bengio, arXiv 1211.5063, algorithm 1.
  const double scale = std::min(1.0, options_.clip_norm / result.gradient_norm);
  adamw_.Step(parameters_.values(), gradient_.values(), result.learning_rate, scale);
  return result;
}

Weights Trainer::Copy() const { return WeightsFromParameters(spec_, parameters_.values()); }

}  // namespace deepthin::runtime

#include "runtime/trainer/trainer.h"

#include <algorithm>
#include <cmath>

#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

const TrainingOptions& Validated(const TrainingOptions& options) {
  Validate(options);
  return options;
}

}  // namespace

Trainer::Trainer(const ModelSpec& spec, const TrainingOptions& options, ThreadPool& pool)
    : spec_(spec),
      options_(Validated(options)),
      pool_(pool),
      model_(spec_, options.shape, pool, options.precision),
      adamw_(model_.layout(), ScalesOf(spec_, options.parametrisation), options.adamw, pool),
      parameters_(1, model_.layout().count, "the weights in training"),
      gradient_(1, model_.layout().count, "the gradient") {}

Trainer::Trainer(const Weights& initial, const TrainingOptions& options, ThreadPool& pool)
    : Trainer(initial.spec, options, pool) {
  ReadWeights(initial, model_.layout(), parameters_.values());
}

Trainer::Trainer(const TrainingFile& run, ThreadPool& pool)
    : Trainer(run.state.model, run.state.options, pool) {
  std::copy(run.parameters.begin(), run.parameters.end(), parameters_.data());
  adamw_.Restore(run.mean, run.variance, run.state.updates);
  step_ = run.state.step;
}

void Trainer::Save(const std::string& path) const {
  WriteTrainingFile({.state = {spec_, options_, step_, adamw_.steps()},
                     .parameters = parameters_.values(),
                     .mean = adamw_.mean(),
                     .variance = adamw_.variance(),
                     .file = {}},
                    path);
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

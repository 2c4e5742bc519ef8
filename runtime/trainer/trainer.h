// Trainer: a model's weights, and the steps that make them better.
//
//   ThreadPool pool(2);
//   Trainer trainer(RandomWeights(spec, seed, pool), options, pool);
//   BatchSampler batches(text, options.shape, seed);
//   while (trainer.step() < options.rate.steps) trainer.Step(batches.At(trainer.step()));
//   Weights weights = trainer.Copy();
#pragma once

#include <cstdint>

#include "runtime/trainer/adamw.h"
#include "runtime/trainer/backpropagation.h"
#include "runtime/trainer/batch.h"
#include "runtime/trainer/tensor.h"
#include "runtime/weights.h"

namespace deepthin::runtime {

struct TrainingOptions {
  BatchShape shape{};
  LearningRateSchedule rate{};
  AdamWOptions adamw{};
  // Gradients of a larger global norm are scaled down to it.
  double clip_norm = 1;
};

// Throws InputError that names the option that is out of range.
void Validate(const TrainingOptions& options);

struct TrainingStep {
  double loss = 0;           // mean over the batch before the step, in nats per token
  double gradient_norm = 0;  // before clipping
  double learning_rate = 0;
  // Loss or gradient is not finite: the weights are as they were. A result, not an error.
  bool diverged = false;
};

// Owner of weights, gradient, moments and activations; the pool outlives it. One thread at a time.
// A run is the same bits for every number of threads.
class Trainer {
 public:
  // Begins from a copy of these weights, in f32. Throws InputError as Validate and RequireTrainable
  // do, EnvironmentError where memory does not suffice.
  Trainer(const Weights& initial, const TrainingOptions& options, ThreadPool& pool);

  [[nodiscard]] int64_t step() const { return step_; }  // steps done

  // REQUIRES: batch as BatchView says; step() < rate.steps.
  TrainingStep Step(BatchView batch);
  // Mean loss of the weights as they are, in nats per token.
  [[nodiscard]] double Loss(BatchView batch) { return model_.Loss(parameters_.values(), batch); }

  // The weights as they are, for decoder and export.
  [[nodiscard]] Weights Copy() const;

 private:
  ModelSpec spec_;
  TrainingOptions options_;
  ThreadPool& pool_;
  Backpropagation<float> model_;
  AdamW adamw_;
  Tensor<float> parameters_;  // [1, count]
  Tensor<float> gradient_;    // [1, count]
  int64_t step_ = 0;
};

}  // namespace deepthin::runtime

// Trainer: a model's weights, and the steps that make them better.
//
//   ThreadPool pool(2);
//   Trainer trainer(InitialWeights(spec, options.parametrisation, seed, pool), options, pool);
//   BatchSampler batches(text, options.shape, seed);
//   while (trainer.step() < options.rate.steps) trainer.Step(batches.At(trainer.step()));
//   Weights weights = trainer.Copy();
#pragma once

#include <cstdint>
#include <string>

#include "runtime/trainer/adamw.h"
#include "runtime/trainer/backpropagation.h"
#include "runtime/trainer/batch.h"
#include "runtime/trainer/tensor.h"
#include "runtime/trainer/training_file.h"
#include "runtime/trainer/training_options.h"
#include "runtime/weights.h"

namespace deepthin::runtime {

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

  // Goes on with the run that Save wrote, to the same bits as if it had never stopped. Throws
  // InputError where the file is not whole or sound.
  [[nodiscard]] static Trainer Resume(const std::string& path, ThreadPool& pool) {
    return {ReadTrainingFile(path), pool};
  }
  // The target is either untouched or whole. Throws EnvironmentError where the disk refuses.
  void Save(const std::string& path) const;

  [[nodiscard]] const ModelSpec& spec() const { return spec_; }
  [[nodiscard]] const TrainingOptions& options() const { return options_; }
  [[nodiscard]] int64_t step() const { return step_; }  // steps done

  // REQUIRES: batch as BatchView says; step() < rate.steps.
  TrainingStep Step(BatchView batch);
  // Mean loss of the weights as they are, in nats per token.
  [[nodiscard]] double Loss(BatchView batch) { return model_.Loss(parameters_.values(), batch); }

  // The weights as they are, in the order of LayOutParameters(spec()).
  [[nodiscard]] std::span<const float> parameters() const { return parameters_.values(); }
  // The same, for decoder and export.
  [[nodiscard]] Weights Copy() const;

 private:
  Trainer(const ModelSpec& spec, const TrainingOptions& options, ThreadPool& pool);
  Trainer(const TrainingFile& run, ThreadPool& pool);

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

// Backpropagation: the mean cross-entropy of a ModelSpec over a batch, and its gradient with
// respect to every parameter. T is float for training and double for checking gradients.
//
//   Backpropagation<float> model(spec, {.sequences = 8, .length = 256}, pool);
//   double loss = model.LossAndGradient(parameters, batch, gradient);
//
// An executed block keeps what its backward pass needs (BlockTape); norms' outputs and the hidden
// layer of the feed-forward network are computed again, and the logits of a batch are never there
// all at once. A stored block that is executed several times adds up its gradients.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "runtime/thread_pool.h"
#include "runtime/trainer/batch.h"
#include "runtime/trainer/forward_observer.h"
#include "runtime/trainer/parameters.h"
#include "runtime/trainer/products.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

// Throws InputError where a model cannot be trained over whole sequences: with a KV cache entry
// that several executed blocks share, a token sees at earlier positions what the last of them
// wrote, so that it has to wait until those have gone through the whole model.
void RequireTrainable(const ModelSpec& spec);
// The same, also where sequences of `length` are longer than max_seq_len.
void RequireTrainable(const ModelSpec& spec, int64_t length);

// Owner of the memory of one batch's activations; the pool outlives it. One thread at a time. Every
// result is the same for every number of threads of the pool.
template <class T>
class Backpropagation {
 public:
  // Throws InputError where the spec is not valid or not trainable or the sequences are longer than
  // max_seq_len, EnvironmentError where memory does not suffice. REQUIRES: shape of 1 or more.
  // IsSupported(precision).
  Backpropagation(const ModelSpec& spec, const BatchShape& shape, ThreadPool& pool,
                  ProductPrecision precision = ProductPrecision::kF32);
  ~Backpropagation();
  Backpropagation(const Backpropagation&) = delete;
  Backpropagation& operator=(const Backpropagation&) = delete;

  [[nodiscard]] const ParameterLayout& layout() const;

  // Mean of -log(probability) over the predicted tokens, in nats. Not finite where the parameters
  // have run away. REQUIRES: parameters [layout().count]; batch of the shape, ids in
  // [0, vocab_size).
  [[nodiscard]] double Loss(std::span<const T> parameters, BatchView batch);
  // The same, with its gradient: [layout().count], overwritten.
  [[nodiscard]] double LossAndGradient(std::span<const T> parameters, BatchView batch,
                                       std::span<T> gradient);
  // The forward pass of all blocks, without the head and a loss, for what the observer sees of it.
  // REQUIRES: as Loss does.
  void Observe(std::span<const T> parameters, BatchView batch, const ForwardObserver<T>& observer);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deepthin::runtime

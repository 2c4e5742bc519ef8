// AdamW (Loshchilov & Hutter, arXiv 1711.05101, algorithm 2), the learning rate of each step, and
// the global norm that gradients are clipped by.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/thread_pool.h"
#include "runtime/trainer/parameters.h"
#include "runtime/trainer/parametrisation.h"
#include "runtime/trainer/tensor.h"

namespace deepthin::runtime {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double decay = 0.1;  // of matrices, per step and unit of learning rate; norms do not decay

  friend bool operator==(const AdamWOptions&, const AdamWOptions&) = default;
};

// Rises linearly over the first warmup_steps steps to `peak`, then falls as half a cosine to
// final_share x peak in the last step.
struct LearningRateSchedule {
  int64_t steps = 0;
  int64_t warmup_steps = 0;  // 0 to steps
  double peak = 0;
  double final_share = 0.1;

  friend bool operator==(const LearningRateSchedule&, const LearningRateSchedule&) = default;
};

// Of step 0, 1, ..., steps - 1.
[[nodiscard]] double LearningRate(const LearningRateSchedule& schedule, int64_t step);

// Root of the sum of squares, summed in f64. The same for every number of threads. Infinite or NaN
// where a gradient is.
[[nodiscard]] double GlobalNorm(std::span<const float> gradient, ThreadPool& pool);

// Owner of the moments; the pool outlives it. The same bits for every number of threads.
class AdamW {
 public:
  // scales: of each of the layout's tensors. Throws EnvironmentError where memory does not suffice.
  AdamW(const ParameterLayout& layout, std::span<const TensorScales> scales,
        const AdamWOptions& options, ThreadPool& pool);

  // One step with gradient_scale x gradient. A tensor's rate is learning_rate x its scale; what it
  // decays by in a step is the same for all, learning_rate x decay.
  void Step(std::span<float> parameters, std::span<const float> gradient, double learning_rate,
            double gradient_scale = 1);

  // What a run that goes on later has to restore.
  [[nodiscard]] std::span<const float> mean() const { return mean_.values(); }
  [[nodiscard]] std::span<const float> variance() const { return variance_.values(); }
  [[nodiscard]] int64_t steps() const { return steps_; }
  // REQUIRES: as many elements as the layout has.
  void Restore(std::span<const float> mean, std::span<const float> variance, int64_t steps);

 private:
  // Elements [begin, end) of a tensor.
  struct Piece {
    int64_t begin;
    int64_t end;
    bool decays;
    double rate_scale;
    double epsilon;
  };

  AdamWOptions options_;
  ThreadPool& pool_;
  std::vector<Piece> pieces_;
  Tensor<float> mean_;      // of gradients: [1, count]
  Tensor<float> variance_;  // of their squares
  int64_t steps_ = 0;
};

}  // namespace deepthin::runtime

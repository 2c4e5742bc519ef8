// What both sides of a comparison of trainers do: the same model, first weights, batches and
// optimiser, and a line of JSON about it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/trainer/batch.h"
#include "runtime/trainer/training_options.h"
#include "spec/model_spec.h"

namespace deepthin::peer {

struct TrainingTask {
  ModelSpec spec;
  runtime::TrainingOptions options;
  int64_t threads = 1;
  int64_t steps = 0;  // that are timed, behind kWarmupSteps others
  std::vector<int32_t> text{};

  // The same for each program.
  [[nodiscard]] std::vector<int32_t> BatchAt(int64_t step) const;
};

inline constexpr int64_t kWarmupSteps = 2;

// PROGRAM SPEC.json SEQUENCES LENGTH STEPS THREADS f32|bf16. Throws InputError.
[[nodiscard]] TrainingTask TaskFrom(int argc, char** argv);

// Does the steps, each of which returns its loss, and prints one line of JSON: engine, tokens_per_s
// over all timed steps, peak_memory_bytes, first_loss, last_loss, some losses between.
void RunAndPrint(const TrainingTask& task, const std::string& engine,
                 const std::function<double(int64_t)>& step);

// main() of a program: an error of the user's input is a sentence and exit code 2.
[[nodiscard]] int Main(int argc, char** argv, const std::function<void(const TrainingTask&)>& run);

}  // namespace deepthin::peer

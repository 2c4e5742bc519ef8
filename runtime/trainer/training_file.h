// A training run in a file: what it takes to go on with it as if it had never stopped. Not a format
// for other programs: trained weights are exported as checkpoints.
//
//   8 bytes "DTTRAIN1", u64 size of the state, the state as JSON (TrainingState), zeros up to a
//   multiple of 64 bytes, then parameters, means and mean squares: f32 in the order of
//   ParameterLayout.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>

#include "runtime/checkpoint/file_content.h"
#include "runtime/trainer/training_options.h"
#include "spec/fields.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

struct TrainingState {
  ModelSpec model;
  TrainingOptions options;
  int64_t step = 0;     // done
  int64_t updates = 0;  // of the weights: without steps that diverged

  friend bool operator==(const TrainingState&, const TrainingState&) = default;
};

// Views of `file`.
struct TrainingFile {
  TrainingState state;
  std::span<const float> parameters;
  std::span<const float> mean;      // of gradients
  std::span<const float> variance;  // of their squares
  FileContent file;
};

// The target is either untouched or whole. Throws EnvironmentError where the disk refuses.
void WriteTrainingFile(const TrainingFile& run, const std::string& path);

// Throws InputError, naming the place, where the file is no whole and sound training run.
[[nodiscard]] TrainingFile ReadTrainingFile(const std::string& path);

}  // namespace deepthin::runtime

namespace deepthin {

template <>
struct Fields<runtime::TrainingState> {
  using S = runtime::TrainingState;
  static constexpr auto kList =
      std::tuple(Field("model", &S::model, "in training"),
                 Field("options", &S::options, "of the run"), Field("step", &S::step, "steps done"),
                 Field("updates", &S::updates, "steps that changed the weights"));
};

}  // namespace deepthin

// A training run in a folder of its own, which can be stopped at any time and gone on with:
//
//   run.json      what the run is; another run is refused in the same folder
//   state.train   the last checkpoint (runtime/trainer/training_file.h)
//   curve.jsonl   the loss up to there; curve.csv the same for spreadsheets, when the run stops
//   model.gguf    the weights with their vocabulary, when the run stops
//
// A run that is killed has lost the steps behind its last checkpoint, and does them again to the
// same bits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tuple>

#include "explorer/training_text.h"
#include "runtime/checkpoint/vocabulary.h"
#include "runtime/thread_pool.h"
#include "runtime/trainer/training_options.h"
#include "spec/fields.h"
#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin::explorer {

// All that decides the weights and the curve.
struct TrainingRun {
  ModelSpec model;
  runtime::TrainingOptions options;
  int64_t seed = 1;          // of the first weights and of the batches
  int64_t eval_every = 100;  // steps between validations, one more at the end; 1 or more
  int64_t eval_tokens = 0;   // most tokens of a validation
  int64_t training_tokens = 0;
  std::string training_hash;  // TokenHash
  int64_t validation_tokens = 0;
  std::string validation_hash;

  friend bool operator==(const TrainingRun&, const TrainingRun&) = default;
};

enum class TrainingOutcome { kFinished, kDiverged, kInterrupted };

struct TrainingResult {
  TrainingOutcome outcome = TrainingOutcome::kFinished;
  int64_t step = 0;                         // done
  std::optional<double> loss{};             // mean of the last tenth of the steps, nats per token
  std::optional<double> validation_loss{};  // the last
  int64_t steps_now = 0;                    // of this sitting
  Seconds time_now{};                       // of these, without validations and checkpoints

  friend bool operator==(const TrainingResult&, const TrainingResult&) = default;
};

// What a sitting says of its speed.
struct TrainingSpeed {
  double tokens_per_s = 0;
  double flop_per_s = 0;     // two for each multiply-add that the model needs
  double share_of_peak = 0;  // of the threads' multiply-add rate in f32; 0 where that is not known
};

// REQUIRES: result.steps_now > 0. Measures the rate of multiply-adds, some tens of milliseconds.
[[nodiscard]] TrainingSpeed SpeedOf(const TrainingRun& run, const TrainingResult& result,
                                    int64_t threads);

struct TrainingNews {
  int64_t step = 0;
  double loss = 0;
  std::optional<double> validation_loss{};  // the last
  int64_t steps_now = 0;
  Seconds time_now{};
};

struct TrainingCalls {  // each may be empty
  std::function<void(const TrainingNews&)> on_step{};
  std::function<bool()> should_stop{};
  // Stops behind this step of a longer run, as an interruption does; absent: at its end.
  std::optional<int64_t> last_step{};
};

// Fills in the run's hashes and numbers of tokens.
void Describe(const TrainingText& text, TrainingRun& run);

// Begins the run, or goes on with it where the folder holds it; does nothing where it is done.
// checkpoint_every: steps, 1 or more. REQUIRES: Describe(text, run). Throws InputError where the
// model cannot be trained or the folder holds another run or a damaged one, EnvironmentError where
// the disk or the memory refuses or another process is at work in the folder.
TrainingResult Train(const TrainingRun& run, const TrainingText& text,
                     const runtime::Vocabulary& vocabulary, const std::string& folder,
                     int64_t checkpoint_every, runtime::ThreadPool& pool,
                     const TrainingCalls& calls);

}  // namespace deepthin::explorer

namespace deepthin {

template <>
struct Fields<explorer::TrainingRun> {
  using S = explorer::TrainingRun;
  static constexpr auto kList =
      std::tuple(Field("model", &S::model, "in training"), Field("options", &S::options, "of it"),
                 Field("seed", &S::seed, "of first weights and batches"),
                 Field("eval_every", &S::eval_every, "steps between validations"),
                 Field("eval_tokens", &S::eval_tokens, "most tokens of a validation"),
                 Field("training_tokens", &S::training_tokens, "of the text"),
                 Field("training_hash", &S::training_hash, "of these tokens"),
                 Field("validation_tokens", &S::validation_tokens, "of the validation text"),
                 Field("validation_hash", &S::validation_hash, "of these tokens"));
};

template <>
struct EnumTexts<explorer::TrainingOutcome> {
  static constexpr std::array kList = {
      std::pair{explorer::TrainingOutcome::kFinished, std::string_view("finished")},
      std::pair{explorer::TrainingOutcome::kDiverged, std::string_view("diverged")},
      std::pair{explorer::TrainingOutcome::kInterrupted, std::string_view("interrupted")}};
};

template <>
struct Fields<explorer::TrainingResult> {
  using S = explorer::TrainingResult;
  static constexpr auto kList =
      std::tuple(Field("outcome", &S::outcome, "finished, diverged or interrupted"),
                 Field("step", &S::step, "steps done"),
                 Field("loss", &S::loss, "mean of the last tenth of the steps, nats per token"),
                 Field("validation_loss", &S::validation_loss, "the last, nats per token"),
                 Field("steps_now", &S::steps_now, "steps of this sitting"),
                 Field("time_now_s", &S::time_now, "of these steps"));
};

}  // namespace deepthin

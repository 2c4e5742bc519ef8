// TrainingRecord: what training a model from random weights on text came to.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "spec/fields.h"
#include "spec/measurement.h"
#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin {

// A place of the loss curve at which the validation text was looked at.
struct LossPoint {
  int64_t step = 0;                         // steps done
  std::optional<double> loss{};             // mean over the steps since the point before
  std::optional<double> validation_loss{};  // after the step

  friend bool operator==(const LossPoint&, const LossPoint&) = default;
};

// Losses are in nats per token. A run that diverged is a result; its losses are those before it
// did, or absent.
struct TrainingRecord {
  HostContext host;
  ModelSpec model;           // as trained: the twin where there was one, the tokenizer's vocabulary
  int64_t seed = 0;          // of first weights and batches
  double learning_rate = 0;  // the highest
  int64_t threads = 0;       // of the last sitting
  int64_t steps = 0;         // done
  int64_t tokens = 0;        // predicted in these steps
  bool diverged = false;     // a loss or gradient that is not finite ended it
  std::optional<double> loss{};             // mean of the last tenth of the steps
  std::optional<double> validation_loss{};  // the last
  // Of the steps of the last sitting that did any, without validations and checkpoints.
  std::optional<double> tokens_per_s{};
  std::optional<double> model_flop_per_s{};  // two for each multiply-add that the model needs
  std::optional<double> share_of_peak{};     // of the threads' multiply-adds from registers, in f32
  std::optional<Bytes> peak_memory{};        // of the process so far, resident
  std::vector<LossPoint> curve{};

  friend bool operator==(const TrainingRecord&, const TrainingRecord&) = default;
};

template <>
struct Fields<LossPoint> {
  using S = LossPoint;
  static constexpr auto kList = std::tuple(
      Field("step", &S::step, "steps done"),
      Field("loss", &S::loss, "mean since the point before", Presence::kOptional),
      Field("validation_loss", &S::validation_loss, "after the step", Presence::kOptional));
};

template <>
struct Fields<TrainingRecord> {
  using S = TrainingRecord;
  static constexpr auto kList = std::tuple(
      Field("host", &S::host, "machine and program"), Field("model", &S::model, "as trained"),
      Field("seed", &S::seed, "of first weights and batches"),
      Field("learning_rate", &S::learning_rate, "the highest"),
      Field("threads", &S::threads, "worker threads"), Field("steps", &S::steps, "done"),
      Field("tokens", &S::tokens, "predicted in these steps"),
      Field("diverged", &S::diverged, "what is not finite ended it"),
      Field("loss", &S::loss, "mean of the last tenth of the steps", Presence::kOptional),
      Field("validation_loss", &S::validation_loss, "the last", Presence::kOptional),
      Field("tokens_per_s", &S::tokens_per_s, "of the steps alone", Presence::kOptional),
      Field("model_flop_per_s", &S::model_flop_per_s, "that the model needs", Presence::kOptional),
      Field("share_of_peak", &S::share_of_peak, "of the threads' multiply-adds in f32",
            Presence::kOptional),
      Field("peak_memory_bytes", &S::peak_memory, "most resident memory of the process",
            Presence::kOptional),
      Field("curve", &S::curve, "at the validations", Presence::kOptional));
};

}  // namespace deepthin

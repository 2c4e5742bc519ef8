// The "train" evaluator of sweeps: trains the model, or its twin, from random weights on text.
//
//   {"name": "train", "data": ["data/moby-dick.txt"], "steps": 300, "twin_params": 1000000}
//
// A trial has a folder (explorer/training_run.h) that is named by its key, so that one that was
// interrupted or killed goes on inside its run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "explorer/training_run.h"
#include "spec/fields.h"
#include "sweeps/evaluator_table.h"

namespace deepthin::explorer {

// As `deepthin train` has them. Paths are relative to where the program runs.
struct TrainingSettings {
  std::vector<std::string> data{};        // text files to train with
  std::vector<std::string> validation{};  // none: hold_out of the tokens of data
  double hold_out = 0.05;
  std::string tokenizer{};  // empty: a token is a byte
  int64_t steps = 1000;
  int64_t batch = 8;
  int64_t length = 256;
  double learning_rate = 0.003;
  std::optional<int64_t> warmup{};  // absent: a tenth of the steps
  runtime::Parametrisation parametrisation = runtime::Parametrisation::kCompleteP;
  std::optional<runtime::ProductPrecision> precision{};  // absent: bf16 where this CPU has it fast
  int64_t eval_every = 100;
  int64_t eval_tokens = 65'536;
  int64_t checkpoint_every = 100;
  int64_t seed = 1;
  // At most one: decoder parameters of the twin that is trained in the problem's place, or its
  // share of the model's.
  std::optional<int64_t> twin_params{};
  std::optional<double> twin_share{};

  friend bool operator==(const TrainingSettings&, const TrainingSettings&) = default;
};

// What does not decide the outcome.
struct TrainingWorkplace {
  std::string folder = "deepthin-runs";  // holds a folder for each trial
  int64_t threads = 1;
  std::function<void(const TrainingNews&, const TrainingRun&)> on_step{};  // may be empty
  std::function<bool()> should_stop{};  // asked before each step; may be empty
};

// Identity: the model as it is trained, options, seed and what the texts say as tokens; neither the
// names of files nor threads, checkpoints or the host. Infeasible where the model has no such twin
// or cannot be trained. Texts are read when the first trial is asked for, once for all evaluators
// that the entry makes.
[[nodiscard]] sweeps::EvaluatorEntry TrainingEvaluator(const TrainingWorkplace& workplace);

}  // namespace deepthin::explorer

namespace deepthin {

template <>
struct Fields<explorer::TrainingSettings> {
  using S = explorer::TrainingSettings;
  static constexpr auto kList = std::tuple(
      Field("data", &S::data, "text files to train with"),
      Field("validation", &S::validation, "text files to be judged by", Presence::kOptional),
      Field("hold_out", &S::hold_out, "else this share of the tokens", Presence::kOptional),
      Field("tokenizer", &S::tokenizer, "a vocabulary's file; none: bytes", Presence::kOptional),
      Field("steps", &S::steps, "of the run", Presence::kOptional),
      Field("batch", &S::batch, "sequences in a step", Presence::kOptional),
      Field("length", &S::length, "tokens predicted in a sequence", Presence::kOptional),
      Field("learning_rate", &S::learning_rate, "the highest", Presence::kOptional),
      Field("warmup", &S::warmup, "steps in which it rises", Presence::kOptional),
      Field("parametrisation", &S::parametrisation, "completep or standard", Presence::kOptional),
      Field("precision", &S::precision, "of products: f32 or bf16", Presence::kOptional),
      Field("eval_every", &S::eval_every, "steps between validations", Presence::kOptional),
      Field("eval_tokens", &S::eval_tokens, "most tokens of a validation", Presence::kOptional),
      Field("checkpoint_every", &S::checkpoint_every, "steps between them", Presence::kOptional),
      Field("seed", &S::seed, "of first weights and batches", Presence::kOptional),
      Field("twin_params", &S::twin_params, "decoder parameters of a twin", Presence::kOptional),
      Field("twin_share", &S::twin_share, "share of the model's in a twin", Presence::kOptional));
};

}  // namespace deepthin

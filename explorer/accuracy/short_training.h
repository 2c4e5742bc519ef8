// short_training: how well a model's twin learns, as a proxy of how well the model would. The twin
// (twin.h) is trained for some steps on text with several seeds; the score is minus its validation
// loss, nats per token, with the standard error of the mean over the seeds.
//
// A run is a folder (explorer/training_run.h) named after what decides it, below the setting
// `runs`: what breaks off goes on where it was, and a run that is done is not done again. A run
// that diverges is a result, too: it counts as a model that has learnt nothing, whose loss is the
// logarithm of the size of its vocabulary, and the score says so.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "explorer/accuracy/proxy.h"
#include "explorer/training_run.h"
#include "explorer/training_text.h"
#include "runtime/checkpoint/vocabulary.h"
#include "runtime/trainer/parametrisation.h"
#include "spec/fields.h"

namespace deepthin::explorer {

struct ShortTrainingSettings {
  // One of the two decides the twin's size; without either it has 2,000,000 decoder parameters. A
  // model that is not larger than its twin would be is trained itself.
  std::optional<int64_t> twin_params{};
  std::optional<double> twin_share{};  // of the model's decoder parameters, below 1
  int64_t steps = 1000;
  int64_t seeds = 3;
  int64_t seed = 1;  // the first
  int64_t sequences = 8;
  int64_t length = 256;
  double rate = 0.003;  // the highest, after a tenth of the steps
  runtime::Parametrisation parametrisation = runtime::Parametrisation::kCompleteP;
  int64_t eval_tokens = 32'768;  // most tokens of a validation
  double stop_at = 1;  // share of the steps after which the loss is extrapolated; 1: never
  // Text that is judged by; without: the last `hold_out` of the text to train with.
  std::vector<std::string> validation{};
  double hold_out = 0.05;
  std::string tokenizer{};  // file; without one a token is a byte
  std::string runs = "deepthin-runs";

  friend bool operator==(const ShortTrainingSettings&, const ShortTrainingSettings&) = default;
};

// Throws InputError that names the setting.
void Validate(const ShortTrainingSettings& settings, const Where& where);

// What is trained in the place of the model, with this vocabulary. Throws InputError where nothing
// of the twin's form is so small. REQUIRES: one of twin_params and twin_share.
[[nodiscard]] ModelSpec SpecToTrain(const ModelSpec& model, const ShortTrainingSettings& settings,
                                    int64_t vocab_size);

// One seed's run.
struct ShortRun {
  double loss = 0;  // validation, nats per token
  bool diverged = false;
  bool extrapolated = false;
};

// Trains, or goes on, or takes what is there. Throws ProxyContext::Stopped where should_stop says
// so, else as Train does.
[[nodiscard]] ShortRun RunShortly(const TrainingRun& run, double stop_at, const std::string& runs,
                                  const TrainingText& text, const runtime::Vocabulary& vocabulary,
                                  runtime::ThreadPool& pool,
                                  const std::function<bool()>& should_stop);

[[nodiscard]] ProxyEntry ShortTrainingEntry();

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::ShortTrainingSettings> {
  using S = explorer::ShortTrainingSettings;
  static constexpr auto kOptional = Presence::kOptional;
  static constexpr auto kList =
      std::tuple(Field("twin_params", &S::twin_params, "the twin's decoder parameters", kOptional),
                 Field("twin_share", &S::twin_share, "or their share of the model's", kOptional),
                 Field("steps", &S::steps, "of a run", kOptional),
                 Field("seeds", &S::seeds, "how many", kOptional),
                 Field("seed", &S::seed, "the first", kOptional),
                 Field("sequences", &S::sequences, "of a batch", kOptional),
                 Field("length", &S::length, "tokens predicted in a sequence", kOptional),
                 Field("rate", &S::rate, "highest learning rate", kOptional),
                 Field("parametrisation", &S::parametrisation, "completep or standard", kOptional),
                 Field("eval_tokens", &S::eval_tokens, "most tokens of a validation", kOptional),
                 Field("stop_at", &S::stop_at, "share of the steps to extrapolate from", kOptional),
                 Field("validation", &S::validation, "text files", kOptional),
                 Field("hold_out", &S::hold_out, "share of the text without them", kOptional),
                 Field("tokenizer", &S::tokenizer, "file", kOptional),
                 Field("runs", &S::runs, "folder of the runs", kOptional));
};

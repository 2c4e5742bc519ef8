#include "explorer/accuracy/training_evaluator.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "explorer/accuracy/twin.h"
#include "explorer/loss_curve.h"
#include "explorer/training_text.h"
#include "runtime/checkpoint/vocabulary_files.h"
#include "runtime/measuring/host_probe.h"
#include "runtime/memory.h"
#include "runtime/trainer/backpropagation.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

// Part of every identity: a change of what a run computes must change it.
constexpr std::string_view kVersion = "1";

struct Lesson {
  runtime::Vocabulary vocabulary;
  TrainingText text;
};

// Texts as tokens, which take seconds to make, shared by all evaluators of an entry.
class Lessons {
 public:
  std::shared_ptr<const Lesson> Get(const TrainingSettings& settings, int64_t vocab_size) {
    const Json key = {settings.data,      settings.validation, settings.hold_out,
                      settings.tokenizer, settings.length,     vocab_size};
    std::shared_ptr<const Lesson>& lesson = known_[key.dump()];
    if (!lesson) lesson = Read(settings, vocab_size);
    return lesson;
  }

 private:
  static std::shared_ptr<const Lesson> Read(const TrainingSettings& settings, int64_t vocab_size) {
    Lesson lesson;
    lesson.vocabulary = settings.tokenizer.empty()
                            ? runtime::ByteVocabulary()
                            : runtime::LoadVocabularyOfAnySize(settings.tokenizer, vocab_size);
    const auto tokenizer =
        runtime::Tokenizer::FromVocabulary(lesson.vocabulary, settings.tokenizer);
    lesson.text = ReadTrainingText(settings.data, settings.validation, settings.hold_out,
                                   settings.length, tokenizer);
    return std::make_shared<const Lesson>(std::move(lesson));
  }

  std::map<std::string, std::shared_ptr<const Lesson>> known_;
};

runtime::TrainingOptions OptionsOf(const TrainingSettings& settings) {
  runtime::TrainingOptions options;
  options.shape = {.sequences = settings.batch, .length = settings.length};
  options.rate.steps = settings.steps;
  options.rate.warmup_steps = settings.warmup.value_or(settings.steps / 10);
  options.rate.peak = settings.learning_rate;
  options.parametrisation = settings.parametrisation;
  options.precision = settings.precision.value_or(runtime::FastestPrecision());
  return options;
}

// The twin, or the model itself, with that vocabulary; or why there is none.
std::variant<ModelSpec, results::Infeasible> ModelToTrain(const TrainingSettings& settings,
                                                          const ModelSpec& parent,
                                                          int64_t vocab_size) {
  try {
    ModelSpec model = parent;
    model.vocab_size = vocab_size;
    std::optional<int64_t> params = settings.twin_params;
    if (settings.twin_share) params = TwinParams(parent, *settings.twin_share);
    if (params) model = TwinOf(parent, {.decoder_params = params}, vocab_size);
    Validate(model);
    runtime::RequireTrainable(model, settings.length);
    return model;
  } catch (const InputError& error) {
    return results::Infeasible{.reason = error.what(), .needed = {}, .available = {}};
  }
}

// The curve at its validations, with the mean of the losses between two of them.
std::vector<LossPoint> Summary(const std::vector<CurvePoint>& curve) {
  std::vector<LossPoint> points;
  double sum = 0;
  int64_t steps = 0;
  for (const CurvePoint& point : curve) {
    if (point.loss) {
      sum += *point.loss;
      ++steps;
    }
    if (!point.validation_loss) continue;
    LossPoint& added = points.emplace_back();
    added.step = point.step;
    added.validation_loss = point.validation_loss;
    if (steps > 0) added.loss = sum / static_cast<double>(steps);
    sum = 0;
    steps = 0;
  }
  return points;
}

class TrainingEvaluatorImpl : public sweeps::Evaluator {
 public:
  TrainingEvaluatorImpl(TrainingSettings settings, TrainingWorkplace workplace,
                        std::shared_ptr<Lessons> lessons)
      : settings_(std::move(settings)),
        workplace_(std::move(workplace)),
        lessons_(std::move(lessons)) {}

  [[nodiscard]] std::string_view name() const override { return "train"; }

  [[nodiscard]] Json Identity(const Problem& problem) const override {
    const auto lesson = lessons_->Get(settings_, problem.model.vocab_size);
    Json identity = {{"evaluator", "train"}, {"version", kVersion}};
    const auto run = RunOf(problem.model, *lesson);
    if (const auto* none = std::get_if<results::Infeasible>(&run)) {
      identity["no_model"] = none->reason;
    } else {
      identity["run"] = ToJson(std::get<TrainingRun>(run));
    }
    return identity;
  }

  [[nodiscard]] results::Outcome Evaluate(const Problem& problem) override {
    const auto lesson = lessons_->Get(settings_, problem.model.vocab_size);
    const auto known = RunOf(problem.model, *lesson);
    if (const auto* none = std::get_if<results::Infeasible>(&known)) return *none;
    const auto& run = std::get<TrainingRun>(known);
    const HostContext host = runtime::ProbeHost();
    const std::string folder =
        std::filesystem::path(workplace_.folder) / ContentHash(Identity(problem));
    runtime::ThreadPool pool(workplace_.threads);
    const TrainingCalls calls{.on_step =
                                  [&](const TrainingNews& news) {
                                    if (workplace_.on_step) workplace_.on_step(news, run);
                                  },
                              .should_stop = workplace_.should_stop};
    const TrainingResult result = Train(run, lesson->text, lesson->vocabulary, folder,
                                        settings_.checkpoint_every, pool, calls);
    if (result.outcome == TrainingOutcome::kInterrupted) throw sweeps::Interruption();
    TrainingRecord record = RecordOf(run, result, folder);
    record.host = host;
    return record;
  }

 private:
  [[nodiscard]] std::variant<TrainingRun, results::Infeasible> RunOf(const ModelSpec& parent,
                                                                     const Lesson& lesson) const {
    const auto model =
        ModelToTrain(settings_, parent, static_cast<int64_t>(lesson.vocabulary.pieces.size()));
    if (const auto* none = std::get_if<results::Infeasible>(&model)) return *none;
    TrainingRun run;
    run.model = std::get<ModelSpec>(model);
    run.options = OptionsOf(settings_);
    run.seed = settings_.seed;
    run.eval_every = settings_.eval_every;
    run.eval_tokens = settings_.eval_tokens;
    Describe(lesson.text, run);
    return run;
  }

  [[nodiscard]] TrainingRecord RecordOf(const TrainingRun& run, const TrainingResult& result,
                                        const std::string& folder) const {
    TrainingRecord record;
    record.model = run.model;
    record.seed = run.seed;
    record.learning_rate = run.options.rate.peak;
    record.threads = workplace_.threads;
    record.steps = result.step;
    record.tokens = result.step * run.options.shape.predicted();
    record.diverged = result.outcome == TrainingOutcome::kDiverged;
    record.loss = result.loss;
    record.validation_loss = result.validation_loss;
    if (result.steps_now > 0) {
      const TrainingSpeed speed = SpeedOf(run, result, workplace_.threads);
      record.tokens_per_s = speed.tokens_per_s;
      record.model_flop_per_s = speed.flop_per_s;
      if (speed.share_of_peak > 0) record.share_of_peak = speed.share_of_peak;
    }
    record.peak_memory = runtime::PeakMemory();
    record.curve = Summary(ReadCurve(std::filesystem::path(folder) / "curve.jsonl", result.step));
    return record;
  }

  TrainingSettings settings_;
  TrainingWorkplace workplace_;
  std::shared_ptr<Lessons> lessons_;
};

void RequireRange(double value, double low, double high, std::string_view key, const Where& where) {
  if (value >= low && value <= high) return;
  throw InputError({where.file, where.place + "/" + std::string(key)}, "is " + Json(value).dump(),
                   "from " + Json(low).dump() + " to " + Json(high).dump());
}

TrainingSettings SettingsFrom(const Json& json, const Where& where) {
  auto settings = FromJson<TrainingSettings>(json, where);
  if (settings.data.empty()) {
    throw InputError({where.file, where.place + "/data"}, "is empty", "a text file at least");
  }
  if (settings.twin_params && settings.twin_share) {
    throw InputError({where.file, where.place + "/twin_share"}, "stands beside twin_params",
                     "one of the two");
  }
  const auto require = [&](auto value, double low, double high, std::string_view key) {
    RequireRange(static_cast<double>(value), low, high, key, where);
  };
  constexpr double kMostTokens = 1 << 24;
  require(settings.hold_out, 0.0, 1.0, "hold_out");
  require(settings.steps, 1, 1e6, "steps");
  require(settings.batch, 1, kMostTokens, "batch");
  require(settings.length, 1, kMostTokens, "length");
  require(settings.warmup.value_or(0), 0, static_cast<double>(settings.steps), "warmup");
  require(settings.eval_every, 1, 1e6, "eval_every");
  require(settings.eval_tokens, 1, 1e15, "eval_tokens");
  require(settings.checkpoint_every, 1, 1e6, "checkpoint_every");
  require(settings.seed, 0, 9e15, "seed");
  require(settings.twin_params.value_or(1), 1, 1e12, "twin_params");
  require(settings.twin_share.value_or(1), 0.0, 1.0, "twin_share");
  try {
    runtime::Validate(OptionsOf(settings));
  } catch (const InputError& error) {
    throw error.In(where);
  }
  return settings;
}

}  // namespace

sweeps::EvaluatorEntry TrainingEvaluator(const TrainingWorkplace& workplace) {
  return {"train",
          "trains the model or a twin of it on text (settings: data, steps, seed, twin_share ...)",
          [workplace, lessons = std::make_shared<Lessons>()](
              const Json& settings, const Where& where) -> std::unique_ptr<sweeps::Evaluator> {
            return std::make_unique<TrainingEvaluatorImpl>(SettingsFrom(settings, where), workplace,
                                                           lessons);
          }};
}

}  // namespace deepthin::explorer

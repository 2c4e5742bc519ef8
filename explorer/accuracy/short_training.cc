#include "explorer/accuracy/short_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "explorer/accuracy/learning_curve.h"
#include "explorer/accuracy/seed_mean.h"
#include "explorer/accuracy/twin.h"
#include "explorer/loss_curve.h"
#include "runtime/checkpoint/vocabulary_files.h"
#include "runtime/text/tokenizer.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

constexpr std::string_view kName = "short_training";
constexpr int64_t kDefaultTwinParams = 2'000'000;
constexpr int64_t kMostSteps = 1'000'000;
constexpr int64_t kMostSeeds = 1000;
constexpr int64_t kMostTokens = 1 << 24;
constexpr int64_t kValidations = 20;  // of a run
constexpr int64_t kCheckpointSteps = 100;

int64_t WarmupOf(int64_t steps) { return steps / 10; }

void RequireFrom(const Where& where, const char* key, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return;
  throw InputError({where.file, where.place + "/" + key}, fmt::format("is {}", value),
                   fmt::format("from {} to {}", least, most));
}

void RequireShare(const Where& where, const char* key, bool holds, double value,
                  const char* expected) {
  if (holds) return;
  throw InputError({where.file, where.place + "/" + key}, fmt::format("is {}", value), expected);
}

// The last validation loss of a curve. Absent where the weights have run away.
std::optional<double> LastLoss(const std::vector<CurvePoint>& curve, bool is_whole) {
  if (curve.back().diverged()) return std::nullopt;
  if (is_whole) return curve.back().validation_loss;
  for (size_t i = curve.size(); i-- > 0;) {
    if (curve[i].validation_loss) return curve[i].validation_loss;
  }
  return std::nullopt;
}

// The loss at the end of the whole schedule, from the validations after the warm-up; absent where
// these do not fall.
std::optional<double> Extrapolated(const std::vector<CurvePoint>& curve, int64_t steps) {
  std::vector<LossAtStep> seen;
  for (const CurvePoint& point : curve) {
    if (point.step == 0 || point.step <= WarmupOf(steps) || !point.validation_loss) continue;
    seen.push_back({static_cast<double>(point.step), *point.validation_loss});
  }
  const auto law = FitPowerLaw(seen);
  return law ? std::optional(law->At(static_cast<double>(steps))) : std::nullopt;
}

// 2,000,000 as 2.0M.
std::string Millions(int64_t params) {
  return fmt::format("{:.2g}M", static_cast<double>(params) * 1e-6);
}

class ShortTraining : public Proxy {
 public:
  ShortTraining(ShortTrainingSettings settings, const Where& where, const ProxyContext& context)
      : settings_(std::move(settings)),
        should_stop_(context.should_stop),
        vocabulary_(VocabularyOf(settings_)),
        pool_(context.threads) {
    if (context.texts.empty()) {
      throw InputError(where, std::string(kName) + " has no text to train with",
                       "text files (--text)");
    }
    const auto tokenizer = runtime::Tokenizer::FromVocabulary(
        vocabulary_, settings_.tokenizer.empty() ? "the byte vocabulary" : settings_.tokenizer);
    text_ = ReadTrainingText(context.texts, settings_.validation, settings_.hold_out,
                             settings_.length, tokenizer);
    Describe(text_, text_run_);
  }

  // Texts and tokenizer by their tokens; the folder of the runs decides nothing.
  [[nodiscard]] Json Identity() const override {
    Json identity = ToJson(settings_);
    for (const char* path : {"validation", "hold_out", "tokenizer", "runs"}) identity.erase(path);
    identity["training_hash"] = text_run_.training_hash;
    identity["validation_hash"] = text_run_.validation_hash;
    identity["vocab_size"] = VocabSize();
    return identity;
  }

  [[nodiscard]] ProxyScore Score(const ModelSpec& spec) override {
    TrainingRun run = text_run_;
    run.model = SpecToTrain(spec, settings_, VocabSize());
    run.options.shape = {.sequences = settings_.sequences,
                         .length = std::min(settings_.length, run.model.max_seq_len)};
    run.options.rate.steps = settings_.steps;
    run.options.rate.warmup_steps = WarmupOf(settings_.steps);
    run.options.rate.peak = settings_.rate;
    run.options.parametrisation = settings_.parametrisation;
    run.eval_every = std::max<int64_t>(1, settings_.steps / kValidations);
    run.eval_tokens = settings_.eval_tokens;
    std::vector<double> scores;
    int64_t diverged = 0;
    for (int64_t i = 0; i < settings_.seeds; ++i) {
      run.seed = settings_.seed + i;
      const ShortRun done = RunShortly(run, settings_.stop_at, settings_.runs, text_, vocabulary_,
                                       pool_, should_stop_);
      diverged += done.diverged ? 1 : 0;
      scores.push_back(-done.loss);
    }
    const SeedMean mean = MeanOverSeeds(scores);
    ProxyScore score;
    score.value = mean.mean;
    score.standard_error = mean.standard_error;
    score.method = Method(run, diverged);
    score.in_domain = diverged == 0;
    return score;
  }

 private:
  static runtime::Vocabulary VocabularyOf(const ShortTrainingSettings& settings) {
    // llama2.c's files do not say their size: those have LLaMA's.
    constexpr int64_t kLlamaVocabulary = 32'000;
    return settings.tokenizer.empty()
               ? runtime::ByteVocabulary()
               : runtime::LoadVocabularyOfAnySize(settings.tokenizer, kLlamaVocabulary);
  }
  [[nodiscard]] int64_t VocabSize() const {
    return static_cast<int64_t>(vocabulary_.pieces.size());
  }

  [[nodiscard]] std::string Method(const TrainingRun& run, int64_t diverged) const {
    std::string method = fmt::format(
        "minus the validation loss of a twin with {} decoder parameters after {} steps of {} x {} "
        "tokens, {} seed{}",
        Millions(CountParams(run.model).blocks), settings_.steps, run.options.shape.sequences,
        run.options.shape.length, settings_.seeds, settings_.seeds == 1 ? "" : "s");
    if (settings_.stop_at < 1) {
      method += fmt::format(", extrapolated from {:.0f} % of them", 100 * settings_.stop_at);
    }
    if (diverged > 0) {
      method += fmt::format("; {} diverged and count as ln {}", diverged, VocabSize());
    }
    return method;
  }

  ShortTrainingSettings settings_;
  std::function<bool()> should_stop_;
  runtime::Vocabulary vocabulary_;
  runtime::ThreadPool pool_;
  TrainingText text_;
  TrainingRun text_run_;  // its description of the text alone
};

}  // namespace

void Validate(const ShortTrainingSettings& settings, const Where& where) {
  if (settings.twin_params && settings.twin_share) {
    throw InputError({where.file, where.place + "/twin_share"}, "stands beside twin_params",
                     "one of the two");
  }
  RequireFrom(where, "twin_params", settings.twin_params.value_or(1), 1, INT64_MAX);
  const double share = settings.twin_share.value_or(0.5);
  RequireShare(where, "twin_share", share > 0 && share < 1, share, "a share above 0, below 1");
  RequireFrom(where, "steps", settings.steps, 1, kMostSteps);
  RequireFrom(where, "seeds", settings.seeds, 1, kMostSeeds);
  RequireFrom(where, "seed", settings.seed, 0, INT64_MAX - kMostSeeds);
  RequireFrom(where, "sequences", settings.sequences, 1, kMostTokens);
  RequireFrom(where, "length", settings.length, 1, kMostTokens);
  RequireFrom(where, "eval_tokens", settings.eval_tokens, 1, INT64_MAX);
  RequireShare(where, "rate", settings.rate > 0 && std::isfinite(settings.rate), settings.rate,
               "a rate above 0");
  RequireShare(where, "stop_at", settings.stop_at > 0 && settings.stop_at <= 1, settings.stop_at,
               "a share above 0, at most 1");
  RequireShare(where, "hold_out", settings.hold_out > 0 && settings.hold_out < 1, settings.hold_out,
               "a share above 0, below 1");
  if (settings.runs.empty()) {
    throw InputError({where.file, where.place + "/runs"}, "is empty", "a folder");
  }
}

ModelSpec SpecToTrain(const ModelSpec& model, const ShortTrainingSettings& settings,
                      int64_t vocab_size) {
  DEEPTHIN_CHECK(settings.twin_params.has_value() != settings.twin_share.has_value());
  const int64_t params =
      settings.twin_params ? *settings.twin_params : TwinParams(model, *settings.twin_share);
  ModelSpec spec = model;
  spec.vocab_size = vocab_size;
  if (params < CountParams(model).blocks) {
    spec = TwinOf(model, {.decoder_params = params}, vocab_size);
  }
  spec.kv_policy = KvPolicy::kPerOccurrence;  // what of the two can be trained
  return spec;
}

ShortRun RunShortly(const TrainingRun& run, double stop_at, const std::string& runs,
                    const TrainingText& text, const runtime::Vocabulary& vocabulary,
                    runtime::ThreadPool& pool, const std::function<bool()>& should_stop) {
  const std::string folder = std::filesystem::path(runs) / ContentHash(ToJson(run));
  const int64_t steps = run.options.rate.steps;
  const auto last_step = static_cast<int64_t>(std::ceil(stop_at * static_cast<double>(steps)));
  const TrainingResult result =
      Train(run, text, vocabulary, folder, kCheckpointSteps, pool,
            {.on_step = {}, .should_stop = should_stop, .last_step = last_step});
  // A run that has gone further at another time counts up to there.
  const auto curve =
      ReadCurve(std::filesystem::path(folder) / "curve.jsonl", std::min(result.step, last_step));
  if (!curve.back().diverged() && curve.back().step < last_step) throw ProxyContext::Stopped{};
  const auto loss = LastLoss(curve, last_step == steps);
  if (!loss) {
    return {.loss = std::log(static_cast<double>(run.model.vocab_size)), .diverged = true};
  }
  if (last_step == steps) return {.loss = *loss};
  const auto at_end = Extrapolated(curve, steps);
  return {.loss = at_end.value_or(*loss), .diverged = false, .extrapolated = at_end.has_value()};
}

ProxyEntry ShortTrainingEntry() {
  return {.name = kName,
          .version = "1",
          .help = "minus the validation loss of the model's twin after a short training",
          .unit = "nats per token",
          .cost = ProxyCost::kHours,
          .is_fitted = false,
          .settings_help =
              "twin_params = 2000000 (or twin_share), steps = 1000, seeds = 3, seed = 1, sequences "
              "= 8, length = 256, rate = 0.003, parametrisation = completep, eval_tokens = 32768, "
              "stop_at = 1 (below: extrapolates), validation = [], hold_out = 0.05, tokenizer, "
              "runs = deepthin-runs",
          .make = [](const Json& settings, const Where& where,
                     const ProxyContext& context) -> std::unique_ptr<Proxy> {
            auto read = FromJson<ShortTrainingSettings>(settings, where);
            if (!read.twin_share && !read.twin_params) read.twin_params = kDefaultTwinParams;
            Validate(read, where);
            return std::make_unique<ShortTraining>(std::move(read), where, context);
          }};
}

}  // namespace deepthin::explorer

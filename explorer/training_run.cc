#include "explorer/training_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "explorer/loss_curve.h"
#include "runtime/checkpoint/gguf.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kernels/peak_rate.h"
#include "runtime/trainer/trainer.h"
#include "runtime/trainer/training_macs.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

namespace fs = std::filesystem;

std::optional<double> Finite(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// The first key of `now` that `before` has another value for, with both.
std::optional<std::string> Difference(const Json& before, const Json& now,
                                      const std::string& place = "") {
  for (const auto& item : now.items()) {
    const std::string key = place + "/" + item.key();
    const Json& old = before.at(item.key());
    if (old == item.value()) continue;
    if (item.value().is_object()) return Difference(old, item.value(), key);
    return fmt::format("{} is {} there and {} now", key, old.dump(), item.value().dump());
  }
  return std::nullopt;
}

// Makes the folder, or finds this very run in it.
void OpenFolder(const fs::path& folder, const TrainingRun& run) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw EnvironmentError(folder.string() + ": " + error.message());
  const std::string path = folder / "run.json";
  if (!fs::exists(path, error)) {
    if (fs::exists(folder / "state.train", error)) {
      throw InputError({folder, ""}, "has a state.train, but no run.json", "both or neither");
    }
    WriteFileAtomically(path, ToJson(run).dump(2) + "\n");
    return;
  }
  const auto before = FromJson<TrainingRun>(ReadJsonFile(path), {path, ""});
  if (const auto difference = Difference(ToJson(before), ToJson(run))) {
    throw InputError({path, ""}, "is another run: " + *difference,
                     "the command that began it, or another --out");
  }
}

// Keeps a second process out of the folder: its curve and state would not be of one step. Ends with
// the process, however that ends.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ < 0 || ::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;  // some file systems have no locks
    const bool is_taken = errno == EWOULDBLOCK;
    ::close(fd_);
    fd_ = -1;
    if (is_taken) throw EnvironmentError(folder + ": another process is training in it");
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

runtime::Trainer OpenTrainer(const std::string& state, const TrainingRun& run,
                             runtime::ThreadPool& pool) {
  const auto from_the_start = [&] {
    return runtime::Trainer(InitialWeights(run.model, run.options.parametrisation,
                                           static_cast<uint64_t>(run.seed), pool),
                            run.options, pool);
  };
  std::error_code error;
  return fs::exists(state, error) ? runtime::Trainer::Resume(state, pool) : from_the_start();
}

class Session {
 public:
  Session(const TrainingRun& run, const TrainingText& text, const fs::path& folder,
          runtime::ThreadPool& pool)
      : run_(run),
        validation_(text.validation),
        folder_(folder),
        evaluator_(run.model, {.sequences = 1, .length = run.options.shape.length}, pool),
        batches_(text.training, run.options.shape, static_cast<uint64_t>(run.seed)),
        trainer_(OpenTrainer(folder / "state.train", run, pool)) {
    if (trainer_.spec() != run.model || trainer_.options() != run.options) {
      throw InputError({folder / "state.train", ""}, "is of another run than run.json",
                       "the state of that run");
    }
    std::error_code error;
    if (fs::exists(folder / "state.train", error)) {
      curve_ = ReadCurve(folder / "curve.jsonl", trainer_.step());
    } else {
      curve_.push_back({.step = 0, .validation_loss = Validate()});
      Save();
    }
  }

  [[nodiscard]] bool done() const {
    return curve_.back().diverged() || trainer_.step() == run_.options.rate.steps;
  }
  [[nodiscard]] int64_t step() const { return trainer_.step(); }

  void Step() {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    const runtime::TrainingStep step = trainer_.Step(batches_.At(trainer_.step()));
    time_ += Seconds(std::chrono::duration<double>(Clock::now() - begin).count());
    ++steps_;
    CurvePoint point = {.step = trainer_.step(),
                        .loss = Finite(step.loss),
                        .gradient_norm = Finite(step.gradient_norm),
                        .learning_rate = step.learning_rate};
    const bool is_last = trainer_.step() == run_.options.rate.steps;
    if (!step.diverged && (is_last || trainer_.step() % run_.eval_every == 0)) {
      point.validation_loss = Validate();
    }
    curve_.push_back(point);
  }

  // The curve first: one that is longer than the state says is cut when the run goes on.
  void Save() const {
    WriteCurve(folder_ / "curve.jsonl", curve_);
    trainer_.Save(folder_ / "state.train");
  }

  void WriteForOthers(const runtime::Vocabulary& vocabulary) const {
    WriteCurveCsv(folder_ / "curve.csv", curve_);
    runtime::WriteGguf(trainer_.Copy(), vocabulary, folder_ / "model.gguf");
  }

  [[nodiscard]] TrainingNews News() const {
    return {.step = trainer_.step(),
            .loss = curve_.back().loss.value_or(NAN),
            .validation_loss = LastValidation(),
            .steps_now = steps_,
            .time_now = time_};
  }

  [[nodiscard]] TrainingResult Result() const {
    TrainingResult result = {.outcome = TrainingOutcome::kInterrupted,
                             .step = trainer_.step(),
                             .loss = MeanOfTheEnd(),
                             .validation_loss = LastValidation(),
                             .steps_now = steps_,
                             .time_now = time_};
    if (done()) result.outcome = TrainingOutcome::kFinished;
    if (curve_.back().diverged()) {
      result.outcome = TrainingOutcome::kDiverged;
      result.loss.reset();  // of the step itself it may be finite where the gradient is not
    }
    return result;
  }

 private:
  [[nodiscard]] std::optional<double> Validate() {
    const int64_t length = run_.options.shape.length;
    const auto size = static_cast<int64_t>(validation_.size());
    const auto starts = WindowStarts(size, length, run_.eval_tokens);
    double sum = 0;
    for (const int64_t start : starts) {
      sum += evaluator_.Loss(
          trainer_.parameters(),
          validation_.subspan(static_cast<size_t>(start), static_cast<size_t>(length) + 1));
    }
    return Finite(sum / static_cast<double>(starts.size()));
  }

  [[nodiscard]] std::optional<double> LastValidation() const {
    for (size_t i = curve_.size(); i-- > 0;) {
      if (curve_[i].validation_loss) return curve_[i].validation_loss;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<double> MeanOfTheEnd() const {
    const size_t steps = curve_.size() - 1;
    const size_t taken = steps == 0 ? 0 : std::max<size_t>(1, steps / 10);
    double sum = 0;
    for (size_t i = curve_.size() - taken; i < curve_.size(); ++i) {
      if (!curve_[i].loss) return std::nullopt;
      sum += *curve_[i].loss;
    }
    return taken == 0 ? std::nullopt : std::optional(sum / static_cast<double>(taken));
  }

  const TrainingRun& run_;
  std::span<const int32_t> validation_;
  fs::path folder_;
  runtime::Backpropagation<float> evaluator_;
  runtime::BatchSampler batches_;
  runtime::Trainer trainer_;
  std::vector<CurvePoint> curve_;
  int64_t steps_ = 0;
  Seconds time_;
};

}  // namespace

void Describe(const TrainingText& text, TrainingRun& run) {
  run.training_tokens = static_cast<int64_t>(text.training.size());
  run.training_hash = TokenHash(text.training);
  run.validation_tokens = static_cast<int64_t>(text.validation.size());
  run.validation_hash = TokenHash(text.validation);
}

TrainingSpeed SpeedOf(const TrainingRun& run, const TrainingResult& result, int64_t threads) {
  const int64_t tokens = result.steps_now * run.options.shape.predicted();
  TrainingSpeed speed;
  speed.tokens_per_s = static_cast<double>(tokens) / result.time_now.value();
  speed.flop_per_s =
      2 * speed.tokens_per_s * runtime::TrainingMacsPerToken(run.model, run.options.shape.length);
  const double peak =
      runtime::PeakMultiplyAddRate(runtime::ActiveKernels().target) * static_cast<double>(threads);
  if (peak > 0) speed.share_of_peak = speed.flop_per_s / peak;
  return speed;
}

TrainingResult Train(const TrainingRun& run, const TrainingText& text,
                     const runtime::Vocabulary& vocabulary, const std::string& folder,
                     int64_t checkpoint_every, runtime::ThreadPool& pool,
                     const TrainingCalls& calls) {
  DEEPTHIN_CHECK(checkpoint_every >= 1 && run.eval_every >= 1);
  // What cannot be trained leaves no folder behind.
  Validate(run.options);
  runtime::RequireTrainable(run.model, run.options.shape.length);
  OpenFolder(folder, run);
  const FolderLock lock(folder);
  Session session(run, text, folder, pool);
  const fs::path exported = fs::path(folder) / "model.gguf";
  std::error_code error;
  if (session.done() && fs::exists(exported, error)) return session.Result();
  const int64_t last_step = calls.last_step.value_or(run.options.rate.steps);
  while (!session.done() && session.step() < last_step &&
         !(calls.should_stop && calls.should_stop())) {
    session.Step();
    if (calls.on_step) calls.on_step(session.News());
    if (session.step() % checkpoint_every == 0) session.Save();
  }
  session.Save();
  session.WriteForOthers(vocabulary);
  return session.Result();
}

}  // namespace deepthin::explorer

#include "runtime/measuring/measure.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "runtime/decoder.h"
#include "runtime/measuring/host_probe.h"
#include "runtime/memory.h"
#include "runtime/thread_pool.h"
#include "spec/errors.h"
#include "spec/random.h"
#include "spec/robust_stats.h"

namespace deepthin::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kMaxThreads = 1024;  // of a ThreadPool

Seconds Between(Clock::time_point begin, Clock::time_point end) {
  return Seconds(std::chrono::duration<double>(end - begin).count());
}

void CheckThreads(int64_t threads) {
  if (threads >= 1 && threads <= kMaxThreads) return;
  throw InputError({"", "/threads"}, "is " + std::to_string(threads),
                   "1 to " + std::to_string(kMaxThreads));
}

void CheckOptions(const ModelSpec& spec, const MeasureOptions& options) {
  const auto at_least_one = [](const char* place, int64_t value) {
    if (value < 1) throw InputError({"", place}, "is " + std::to_string(value), "1 or more");
  };
  at_least_one("/prompt_tokens", options.prompt_tokens);
  at_least_one("/generated_tokens", options.generated_tokens);
  at_least_one("/repeats", options.repeats);
  if (options.prompt_tokens > spec.max_seq_len ||
      options.generated_tokens > spec.max_seq_len - options.prompt_tokens) {
    throw InputError(
        {"", "/generated_tokens"},
        std::to_string(options.prompt_tokens) + " prompt tokens and " +
            std::to_string(options.generated_tokens) + " generated ones",
        "together at most the model's max_seq_len of " + std::to_string(spec.max_seq_len));
  }
}

// The context that positions are measured in, and their tokens.
void CheckPositions(const ModelSpec& spec, int64_t generated, std::span<const int64_t> positions) {
  for (const int64_t position : positions) {
    if (position >= 0 && position <= spec.max_seq_len - generated) continue;
    throw InputError({"", "/positions"}, "holds " + std::to_string(position),
                     "0 to " + std::to_string(spec.max_seq_len - generated) + ", so that " +
                         std::to_string(generated) + " generated tokens end within the model's " +
                         "max_seq_len of " + std::to_string(spec.max_seq_len));
  }
}

void CheckPlan(const ModelSpec& spec, const MeasurePlan& plan) {
  MeasureOptions options = plan.options;
  if (!plan.positions.empty()) options.prompt_tokens = 1;  // does not count
  for (const int64_t count : plan.threads) CheckThreads(count);
  CheckOptions(spec, options);
  CheckPositions(spec, options.generated_tokens, plan.positions);
}

// As executed, from the formats of the matrices; those of a file may differ from block to block,
// and then the first block's stand for all.
Precision PrecisionOf(const Weights& weights, Dtype kv) {
  const Dtype blocks = weights.blocks.front().wq.dtype;
  return ExecutedPrecision({blocks, weights.head.dtype, Dtype::kF32, kv});
}

std::vector<int32_t> RandomTokens(int64_t count, int64_t vocab_size, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) token = static_cast<int32_t>(random.NextBelow(vocab_size));
  return tokens;
}

// A decoder on some threads, and what is measured with it.
class Subject {
 public:
  Subject(const MeasuredWeights& weights, int64_t threads, const MeasurePlan& plan,
          const HostContext& host)
      : repeats_prefill_(plan.positions.empty()) {
    std::vector<int64_t> positions = plan.positions;
    if (repeats_prefill_) positions = {plan.options.prompt_tokens};
    const int64_t longest = *std::max_element(positions.begin(), positions.end());
    const int64_t capacity = longest + plan.options.generated_tokens;
    tokens_ = RandomTokens(capacity, weights.weights.spec.vocab_size, plan.options.seed);

    const Clock::time_point start = Clock::now();
    pool_ = std::make_unique<ThreadPool>(threads);
    decoder_ = std::make_unique<Decoder>(weights.weights, *pool_, capacity, weights.kv);
    const Seconds init = Between(start, Clock::now());

    for (const int64_t position : positions) {
      measured_.push_back({{.host = host,
                            .precision = PrecisionOf(weights.weights, weights.kv),
                            .threads = threads,
                            .prompt_tokens = position,
                            .generated_tokens = plan.options.generated_tokens,
                            .load = weights.load,
                            .init = init,
                            .prefill_s = {},
                            .decode_s_per_token = {},
                            .token_s = {},
                            .bytes_touched_per_token = {},
                            .weight_bytes = WeightBytesOf(weights.weights),
                            .file_bytes = weights.file_bytes},
                           {}});
    }
  }

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(measured_.size()); }

  void WarmUp(int64_t i) {
    if (!repeats_prefill_ && i == 0) FillContext();
    Measurement discarded = measured_[static_cast<size_t>(i)].measurement;
    Run(discarded);
  }
  void Repeat(int64_t i) { Run(measured_[static_cast<size_t>(i)].measurement); }
  void RunProfiled(int64_t i) {
    Measured& measured = measured_[static_cast<size_t>(i)];
    decoder_->set_profile(&measured.profile);
    Measurement discarded = measured.measurement;
    Run(discarded);
    decoder_->set_profile(nullptr);
  }

  std::vector<Measured> TakeMeasured() { return std::move(measured_); }

 private:
  // All positions that a measurement goes back to.
  void FillContext() {
    const auto filled =
        tokens_.size() - static_cast<size_t>(measured_.front().measurement.generated_tokens);
    if (filled > 0) (void)decoder_->Forward(std::span(tokens_).first(filled), Logits::kLast);
  }

  void Run(Measurement& m) {
    const std::span<const int32_t> tokens(tokens_);
    const auto context = static_cast<size_t>(m.prompt_tokens);
    if (repeats_prefill_) {
      decoder_->Reset();
      const Clock::time_point start = Clock::now();
      (void)decoder_->Forward(tokens.first(context), Logits::kLast);
      m.prefill_s.push_back(Between(start, Clock::now()).value());
    } else {
      decoder_->Seek(m.prompt_tokens);
    }
    const Bytes before = decoder_->bytes_touched();
    const auto generated = static_cast<size_t>(m.generated_tokens);
    const Clock::time_point start = Clock::now();
    Clock::time_point last = start;
    for (size_t i = context; i < context + generated; ++i) {
      (void)decoder_->Forward(tokens.subspan(i, 1), Logits::kLast);
      const Clock::time_point now = Clock::now();
      m.token_s.push_back(Between(last, now).value());
      last = now;
    }
    m.decode_s_per_token.push_back(Between(start, last).value() / static_cast<double>(generated));
    m.bytes_touched_per_token =
        Bytes((decoder_->bytes_touched() - before).value() / m.generated_tokens);
  }

  bool repeats_prefill_;
  std::vector<int32_t> tokens_;  // the one at each position
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Decoder> decoder_;
  std::vector<Measured> measured_;  // one for each position
};

// A B C, A B C, ...: the first round is the warm-up, the last one profiles if asked to.
void RunInTurn(std::vector<Subject>& subjects, const MeasurePlan& plan,
               const MeasureProgress& progress) {
  int64_t in_a_round = 0;
  for (const Subject& subject : subjects) in_a_round += subject.size();
  const int64_t rounds = plan.options.repeats + 1 + (plan.profile ? 1 : 0);
  int64_t done = 0;
  for (int64_t round = 0; round < rounds; ++round) {
    for (Subject& subject : subjects) {
      for (int64_t i = 0; i < subject.size(); ++i) {
        if (round == 0) {
          subject.WarmUp(i);
        } else if (round <= plan.options.repeats) {
          subject.Repeat(i);
        } else {
          subject.RunProfiled(i);
        }
        if (progress) progress(++done, rounds * in_a_round);
      }
    }
  }
}

}  // namespace

Precision ExecutedPrecision(const Precision& asked) {
  Precision executed = asked;
  executed.activations = asked.weights == Dtype::kInt8 ? Dtype::kInt8 : Dtype::kF32;
  if (asked.kv == Dtype::kBf16) executed.kv = Dtype::kF16;
  return executed;
}

MeasuredWeights LoadRandomWeights(const ModelSpec& spec, const MeasureOptions& options) {
  Validate(spec);
  CheckThreads(options.threads);
  ThreadPool pool(options.threads);
  const Clock::time_point start = Clock::now();
  Weights weights = RandomWeights(spec, options.seed, pool, options.precision);
  return {.weights = std::move(weights),
          .load = Between(start, Clock::now()),
          .kv = ExecutedPrecision(options.precision).kv};
}

Measurement Measure(const ModelSpec& spec, const MeasureOptions& options,
                    const MeasureProgress& progress) {
  Validate(spec);
  const MeasurePlan plan = {.options = options, .threads = {options.threads}};
  CheckPlan(spec, plan);
  RestartPeakMemory();
  const MeasuredWeights weights = LoadRandomWeights(spec, options);
  return MeasureAll({&weights, 1}, plan, progress).front().measurement;
}

std::vector<Measured> MeasureAll(std::span<const MeasuredWeights> models, const MeasurePlan& plan,
                                 const MeasureProgress& progress) {
  for (const MeasuredWeights& model : models) CheckPlan(model.weights.spec, plan);
  const HostContext host = ProbeHost();
  std::vector<Subject> subjects;
  for (const MeasuredWeights& model : models) {
    for (const int64_t threads : plan.threads) subjects.emplace_back(model, threads, plan, host);
  }
  RunInTurn(subjects, plan, progress);
  const std::optional<Bytes> peak_memory = PeakMemory();
  std::vector<Measured> out;
  for (Subject& subject : subjects) {
    for (Measured& measured : subject.TakeMeasured()) {
      measured.measurement.peak_memory = peak_memory;
      out.push_back(std::move(measured));
    }
  }
  return out;
}

bool IsNoisy(const Measurement& measurement) {
  const auto noisy = [](std::span<const double> samples) {
    return !samples.empty() && Mad(samples) > kNoisyMadRatio * Median(samples);
  };
  return noisy(measurement.decode_s_per_token) || noisy(measurement.prefill_s);
}

}  // namespace deepthin::runtime

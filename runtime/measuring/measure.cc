#include "runtime/measuring/measure.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "runtime/decoder.h"
#include "runtime/measuring/host_probe.h"
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
  CheckThreads(options.threads);
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

struct Loaded {
  Weights weights;
  Seconds time;
};

Loaded LoadRandom(const ModelSpec& spec, uint64_t seed, ThreadPool& pool) {
  const Clock::time_point start = Clock::now();
  Weights weights = RandomWeights(spec, seed, pool);
  return {std::move(weights), Between(start, Clock::now())};
}

// One measurement in the making. The weights and the pool outlive it.
class Subject {
 public:
  Subject(const Weights& weights, Seconds load, ThreadPool& pool, const MeasureOptions& options) {
    SplitMix64 random(options.seed);
    tokens_.resize(static_cast<size_t>(options.prompt_tokens + options.generated_tokens));
    for (int32_t& token : tokens_) {
      token = static_cast<int32_t>(random.NextBelow(weights.spec.vocab_size));
    }
    measurement_.host = ProbeHost();
    measurement_.threads = pool.threads();
    measurement_.prompt_tokens = options.prompt_tokens;
    measurement_.generated_tokens = options.generated_tokens;
    measurement_.load = load;
    measurement_.weight_bytes = WeightBytesOf(weights);
    const Clock::time_point start = Clock::now();
    decoder_ = std::make_unique<Decoder>(weights, pool, static_cast<int64_t>(tokens_.size()));
    measurement_.init = Between(start, Clock::now());
  }

  void AddToInit(Seconds time) { measurement_.init += time; }

  void WarmUp() { (void)Run(); }

  void Repeat() {
    const Sample sample = Run();
    const double tokens = static_cast<double>(measurement_.generated_tokens);
    measurement_.prefill_s.push_back(sample.prefill.value());
    measurement_.decode_s_per_token.push_back(sample.decode.value() / tokens);
    measurement_.bytes_touched_per_token =
        Bytes(sample.decoded_bytes.value() / measurement_.generated_tokens);
  }

  [[nodiscard]] const Measurement& measurement() const { return measurement_; }

 private:
  struct Sample {
    Seconds prefill;
    Seconds decode;
    Bytes decoded_bytes;
  };

  Sample Run() {
    const std::span<const int32_t> tokens(tokens_);
    const auto prompt = static_cast<size_t>(measurement_.prompt_tokens);
    decoder_->Reset();
    const Clock::time_point start = Clock::now();
    (void)decoder_->Forward(tokens.first(prompt), Logits::kLast);
    const Clock::time_point prefilled = Clock::now();
    const Bytes before = decoder_->bytes_touched();
    for (size_t i = prompt; i < tokens.size(); ++i) {
      (void)decoder_->Forward(tokens.subspan(i, 1), Logits::kLast);
    }
    const Clock::time_point decoded = Clock::now();
    return {Between(start, prefilled), Between(prefilled, decoded),
            decoder_->bytes_touched() - before};
  }

  std::vector<int32_t> tokens_;
  std::unique_ptr<Decoder> decoder_;
  Measurement measurement_;
};

// A B C, A B C, ...: the first round is the warm-up.
std::vector<Measurement> RunInTurn(std::vector<Subject>& subjects, int64_t repeats,
                                   const MeasureProgress& progress) {
  const int64_t total = (repeats + 1) * static_cast<int64_t>(subjects.size());
  int64_t done = 0;
  for (int64_t round = 0; round <= repeats; ++round) {
    for (Subject& subject : subjects) {
      if (round == 0) {
        subject.WarmUp();
      } else {
        subject.Repeat();
      }
      if (progress) progress(++done, total);
    }
  }
  std::vector<Measurement> out;
  out.reserve(subjects.size());
  for (const Subject& subject : subjects) out.push_back(subject.measurement());
  return out;
}

struct TimedPool {
  std::unique_ptr<ThreadPool> pool;
  Seconds time;
};

TimedPool StartPool(int64_t threads) {
  const Clock::time_point start = Clock::now();
  auto pool = std::make_unique<ThreadPool>(threads);
  return {std::move(pool), Between(start, Clock::now())};
}

}  // namespace

Measurement Measure(const ModelSpec& spec, const MeasureOptions& options,
                    const MeasureProgress& progress) {
  return MeasureSpecs({&spec, 1}, options, progress).front();
}

Measurement MeasureWeights(const Weights& weights, Seconds load, const MeasureOptions& options,
                           const MeasureProgress& progress) {
  CheckOptions(weights.spec, options);
  const TimedPool pool = StartPool(options.threads);
  std::vector<Subject> subjects;
  subjects.emplace_back(weights, load, *pool.pool, options).AddToInit(pool.time);
  return RunInTurn(subjects, options.repeats, progress).front();
}

std::vector<Measurement> MeasureThreads(const ModelSpec& spec, const MeasureOptions& options,
                                        std::span<const int64_t> threads,
                                        const MeasureProgress& progress) {
  Validate(spec);
  CheckOptions(spec, options);
  for (const int64_t count : threads) CheckThreads(count);
  if (threads.empty()) return {};

  std::vector<TimedPool> pools;
  pools.reserve(threads.size());
  for (const int64_t count : threads) pools.push_back(StartPool(count));
  const auto widest = std::max_element(threads.begin(), threads.end()) - threads.begin();
  const Loaded loaded = LoadRandom(spec, options.seed, *pools[static_cast<size_t>(widest)].pool);
  std::vector<Subject> subjects;
  for (const TimedPool& pool : pools) {
    subjects.emplace_back(loaded.weights, loaded.time, *pool.pool, options).AddToInit(pool.time);
  }
  return RunInTurn(subjects, options.repeats, progress);
}

std::vector<Measurement> MeasureSpecs(std::span<const ModelSpec> specs,
                                      const MeasureOptions& options,
                                      const MeasureProgress& progress) {
  for (const ModelSpec& spec : specs) {
    Validate(spec);
    CheckOptions(spec, options);
  }
  const TimedPool pool = StartPool(options.threads);
  std::vector<Loaded> loaded;
  loaded.reserve(specs.size());
  for (const ModelSpec& spec : specs) {
    loaded.push_back(LoadRandom(spec, options.seed, *pool.pool));
  }
  std::vector<Subject> subjects;
  for (const Loaded& each : loaded) {
    subjects.emplace_back(each.weights, each.time, *pool.pool, options).AddToInit(pool.time);
  }
  return RunInTurn(subjects, options.repeats, progress);
}

bool IsNoisy(const Measurement& measurement) {
  const auto noisy = [](std::span<const double> samples) {
    return Mad(samples) > kNoisyMadRatio * Median(samples);
  };
  return noisy(measurement.decode_s_per_token) || noisy(measurement.prefill_s);
}

}  // namespace deepthin::runtime

// Measuring a model on this CPU: steady clock, warm-up, repeats; raw samples are kept.
//
//   const Measurement m = Measure(spec, {.threads = 2});
//   if (!IsNoisy(m)) Print(Median(m.decode_s_per_token));
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "runtime/profile.h"
#include "runtime/weights.h"
#include "spec/measurement.h"
#include "spec/model_spec.h"
#include "spec/precision.h"

namespace deepthin::runtime {

struct MeasureOptions {
  int64_t threads = 1;
  int64_t prompt_tokens = 64;     // prefilled in one pass: TTFT
  int64_t generated_tokens = 32;  // then decoded one by one
  int64_t repeats = 5;            // counted; one warm-up before them
  uint64_t seed = 1;              // of the random weights and tokens
  Precision precision = kF32;     // of random weights; executed as ExecutedPrecision() says
};

// Called with (done, total) after each repeat, the warm-up included. May be empty.
using MeasureProgress = std::function<void(int64_t, int64_t)>;

// What the runtime makes of a precision: activations are f32 (int8 for int8 weights), and a bf16 KV
// cache is one of f16, which has the same bytes.
[[nodiscard]] Precision ExecutedPrecision(const Precision& asked);

// Random weights. Throws InputError where the spec is invalid or the options do not fit it,
// EnvironmentError where memory does not suffice.
[[nodiscard]] Measurement Measure(const ModelSpec& spec, const MeasureOptions& options,
                                  const MeasureProgress& progress = {});

// Weights that are there already, and where they are from.
struct MeasuredWeights {
  Weights weights;
  Seconds load{};  // making random ones, or opening a file
  std::optional<Bytes> file_bytes{};
  Dtype kv = Dtype::kF32;  // of the KV cache: f32, f16 or int8
};

[[nodiscard]] MeasuredWeights LoadRandomWeights(const ModelSpec& spec,
                                                const MeasureOptions& options);

struct MeasurePlan {
  MeasureOptions options{};  // threads, and the precision of weights that are there, do not count
  std::vector<int64_t> threads = {1};
  // Empty: prefill and decode, the prompt again in each repeat. Otherwise decode alone, from each
  // of these positions on: the context is filled once, by prefill, and each repeat goes back to it.
  std::vector<int64_t> positions{};
  bool profile = false;  // one more repeat for each measurement, with a Profile
};

struct Measured {
  Measurement measurement;
  Profile profile;  // empty unless asked for
};

// One measurement for each model, thread count and position, in this order. Repeats are taken in
// turn (A B C, A B C, ...), so that a machine that slows down or gets busy does so for all alike:
// what is compared is measured together. Throws as Measure does.
[[nodiscard]] std::vector<Measured> MeasureAll(std::span<const MeasuredWeights> models,
                                               const MeasurePlan& plan,
                                               const MeasureProgress& progress = {});

// Above this MAD / median of its decode or prefill samples a measurement is kept but no choice
// relies on it. Chosen, not fitted: differences of a tenth between designs still stand out of it.
inline constexpr double kNoisyMadRatio = 0.05;

// REQUIRES: decode samples. A single sample shows no noise: it takes 3 or more to judge.
[[nodiscard]] bool IsNoisy(const Measurement& measurement);

}  // namespace deepthin::runtime

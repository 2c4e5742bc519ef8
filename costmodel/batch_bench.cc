// EstimateBatch against Estimate on the same mixture of designs: sub-billion shapes of every
// schedule but an explicit one, in f16, q8_0, q4_0 and w8a8, at contexts up to 2,000. Items are
// designs, each with its decode and prefill.
#include <benchmark/benchmark.h>

#include <array>

#include "costmodel/batch_estimate.h"
#include "costmodel/estimator.h"
#include "costmodel/soc_presets.h"
#include "spec/random.h"

namespace deepthin::costmodel {
namespace {

constexpr size_t kDesigns = 4'096;

ModelSpec AnyModel(SplitMix64& random) {
  constexpr std::array kKinds = {RepeatKind::kNone, RepeatKind::kImmediate, RepeatKind::kRepeatAll,
                                 RepeatKind::kReverse};
  ModelSpec model;
  model.head_dim = 64;
  model.n_kv_heads = 1 + random.NextBelow(8);
  model.n_heads = model.n_kv_heads * (1 + random.NextBelow(4));
  model.d_model = 64 * (4 + random.NextBelow(29));
  model.d_ff = PaperFfnDim(model.d_model) + 128 * random.NextBelow(9);
  model.n_blocks = 4 + random.NextBelow(63);
  model.tie_embeddings = random.NextBelow(2) == 0;
  model.repeat.kind = kKinds[static_cast<size_t>(random.NextBelow(4))];
  if (model.repeat.kind != RepeatKind::kNone) model.repeat.times = 2 + random.NextBelow(2);
  model.kv_policy = random.NextBelow(4) == 0 ? KvPolicy::kShared : KvPolicy::kPerOccurrence;
  return model;
}

Designs MakeDesigns() {
  SplitMix64 random(4);
  Designs designs;
  designs.Reserve(kDesigns);
  for (size_t i = 0; i < kDesigns; ++i) {
    constexpr std::array kNames = {"f16", "q8_0", "q4_0", "w8a8"};
    const auto name = static_cast<size_t>(random.NextBelow(4));
    designs.Add(AnyModel(random), *PrecisionByName(kNames[name]),
                {.prompt_tokens = 1 + random.NextBelow(1'900),
                 .generated_tokens = 1 + random.NextBelow(100)});
  }
  return designs;
}

void Run(benchmark::State& state, const char* preset) {
  const SocSpec soc = SocFromArgument(preset);
  const Designs designs = MakeDesigns();
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(EstimateBatch(soc, designs).decode_time.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kDesigns));
}
void BenchLru(benchmark::State& state) { Run(state, "iphone-13"); }
void BenchTwoLevels(benchmark::State& state) { Run(state, "raspberry-pi-5"); }
void BenchPinned(benchmark::State& state) { Run(state, "generic-npu-phone"); }
BENCHMARK(BenchLru);
BENCHMARK(BenchTwoLevels);
BENCHMARK(BenchPinned);

// What it takes to put the designs together, checked one by one.
void BenchAdd(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(MakeDesigns().size());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kDesigns));
}
BENCHMARK(BenchAdd);

// The readable form.
void BenchEstimate(benchmark::State& state) {
  const Designs designs = MakeDesigns();
  Problem problem{
      .model = {}, .precision = {}, .soc = SocFromArgument("iphone-13"), .workload = {}};
  size_t i = 0;
  for ([[maybe_unused]] auto _ : state) {
    problem.model = designs.model(i);
    problem.precision = designs.precision(i);
    problem.workload = designs.workload(i);
    benchmark::DoNotOptimize(Estimate(problem).decode.time);
    i = (i + 1) % designs.size();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BenchEstimate);

}  // namespace
}  // namespace deepthin::costmodel

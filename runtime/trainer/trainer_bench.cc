// Training steps of models of about 2M parameters, wide and deep, and of one of about 20M: tokens a
// second, and multiply-adds a second by the usual count of 3 forward passes a step.
#include <benchmark/benchmark.h>

#include <vector>

#include "runtime/trainer/trainer.h"
#include "runtime/trainer/training_macs.h"

namespace deepthin::runtime {
namespace {

ModelSpec SpecOf(int64_t d_model, int64_t n_blocks) {
  return {.vocab_size = 4096,
          .d_model = d_model,
          .n_blocks = n_blocks,
          .n_heads = d_model / 32,
          .n_kv_heads = d_model / 64,
          .head_dim = 32,
          .d_ff = d_model * 8 / 3 / 32 * 32,
          .max_seq_len = 256};
}

// Arguments: d_model, n_blocks, threads, and 1 for products in bf16.
void TrainingStepTime(benchmark::State& state) {
  const ModelSpec spec = SpecOf(state.range(0), state.range(1));
  ThreadPool pool(state.range(2));
  const bool rounded = state.range(3) != 0;
  const TrainingOptions options = {
      .shape = {.sequences = 8, .length = 256},
      .rate = {.steps = 1'000'000, .peak = 1e-3},
      .precision = rounded ? ProductPrecision::kBf16 : ProductPrecision::kF32};
  if (!IsSupported(options.precision)) {
    state.SkipWithError("this CPU does not multiply bf16 faster");
    return;
  }
  Trainer trainer(RandomWeights(spec, 1, pool), options, pool);
  std::vector<int32_t> text(100'000);
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<int32_t>(i * i % 4093);
  const BatchSampler batches(text, options.shape, 1);
  trainer.Step(batches.At(trainer.step()));  // memory is there from the first touch on
  for (auto _ : state) {
    benchmark::DoNotOptimize(trainer.Step(batches.At(trainer.step())));
  }
  const auto tokens = static_cast<double>(state.iterations() * options.shape.predicted());
  state.counters["parameters"] = static_cast<double>(CountParams(spec).total());
  state.counters["tokens/s"] = benchmark::Counter(tokens, benchmark::Counter::kIsRate);
  state.counters["MAC/s"] = benchmark::Counter(
      TrainingMacsPerToken(spec, options.shape.length) * tokens, benchmark::Counter::kIsRate);
}
BENCHMARK(TrainingStepTime)
    ->ArgNames({"d_model", "blocks", "threads", "bf16"})
    ->ArgsProduct({{192}, {4}, {1, 2}, {0, 1}})
    ->ArgsProduct({{128}, {12}, {1, 2}, {0, 1}})
    ->ArgsProduct({{512}, {6}, {1, 2}, {0, 1}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace deepthin::runtime

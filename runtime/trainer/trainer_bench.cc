// Training steps of a model of about 2M and one of about 20M parameters: tokens a second, and
// multiply-adds a second by the usual count of 3 forward passes a step.
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

// Arguments: d_model, n_blocks, threads.
void TrainingStepTime(benchmark::State& state) {
  const ModelSpec spec = SpecOf(state.range(0), state.range(1));
  ThreadPool pool(state.range(2));
  const TrainingOptions options = {.shape = {.sequences = 8, .length = 256},
                                   .rate = {.steps = 1'000'000, .peak = 1e-3}};
  Trainer trainer(RandomWeights(spec, 1, pool), options, pool);
  std::vector<int32_t> text(100'000);
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<int32_t>(i * i % 4093);
  const BatchSampler batches(text, options.shape, 1);
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
    ->ArgNames({"d_model", "blocks", "threads"})
    ->ArgsProduct({{192}, {4}, {1, 2}})
    ->ArgsProduct({{512}, {6}, {1, 2}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace deepthin::runtime

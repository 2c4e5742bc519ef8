// Decode and prefill of MobileLLM-125M (f32, random weights) and, as the measure for it, how fast
// the same threads stream that much memory with plain sums.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <vector>

#include "runtime/decoder.h"
#include "runtime/memory.h"
#include "runtime/thread_pool.h"
#include "runtime/weights.h"
#include "spec/model_presets.h"

namespace deepthin::runtime {
namespace {

constexpr int64_t kPromptTokens = 64;
constexpr int64_t kContext = 256;

const Weights& TestWeights() {
  static const Weights weights = [] {
    ThreadPool pool(2);
    return RandomWeights(*ModelPresetByName("mobilellm-125m"), 1, pool);
  }();
  return weights;
}

void BenchRandomWeights(benchmark::State& state) {
  ThreadPool pool(state.range(0));
  const ModelSpec spec = *ModelPresetByName("mobilellm-125m");
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(RandomWeights(spec, 1, pool).embedding.data);
}

void BenchDecode(benchmark::State& state) {
  ThreadPool pool(state.range(0));
  Decoder decoder(TestWeights(), pool, kContext);
  const std::vector<int32_t> prompt(kPromptTokens, 17);
  benchmark::DoNotOptimize(decoder.Forward(prompt, Logits::kLast).data());
  const int32_t token = 5;
  const Bytes before = decoder.bytes_touched();
  for ([[maybe_unused]] auto _ : state) {
    if (decoder.position() == kContext) {
      state.PauseTiming();
      decoder.Reset();
      benchmark::DoNotOptimize(decoder.Forward(prompt, Logits::kLast).data());
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(decoder.Forward({&token, 1}, Logits::kLast).data());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed((decoder.bytes_touched() - before).value());
}

void BenchPrefill(benchmark::State& state) {
  ThreadPool pool(state.range(0));
  Decoder decoder(TestWeights(), pool, kContext);
  const std::vector<int32_t> prompt(kContext, 17);
  for ([[maybe_unused]] auto _ : state) {
    decoder.Reset();
    benchmark::DoNotOptimize(decoder.Forward(prompt, Logits::kLast).data());
  }
  state.SetItemsProcessed(state.iterations() * kContext);
}

// Reads 512 MiB by 8-byte words, four at a time.
void BenchStreamingRead(benchmark::State& state) {
  ThreadPool pool(state.range(0));
  constexpr int64_t kFloats = int64_t{1} << 27;
  const std::shared_ptr<float> data = AllocateFloats(kFloats, "the benchmark");
  pool.ForRanges(kFloats, 4096, [&](int64_t begin, int64_t end) {
    std::fill(data.get() + begin, data.get() + end, 1.0F);
  });
  std::vector<uint64_t> sums(kFloats / 4096);
  for ([[maybe_unused]] auto _ : state) {
    pool.ForRanges(kFloats / 4096, 1, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; ++piece) {
        const float* from = data.get() + piece * 4096;
        uint64_t words[4];
        uint64_t sum[4] = {};
        for (int64_t i = 0; i < 4096; i += 8) {
          std::memcpy(words, from + i, sizeof(words));
          for (int j = 0; j < 4; ++j) sum[j] ^= words[j];
        }
        sums[static_cast<size_t>(piece)] = sum[0] + sum[1] + sum[2] + sum[3];
      }
    });
    benchmark::DoNotOptimize(sums.data());
  }
  state.SetBytesProcessed(state.iterations() * kFloats * static_cast<int64_t>(sizeof(float)));
}

BENCHMARK(BenchStreamingRead)->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(BenchDecode)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BenchPrefill)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BenchRandomWeights)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace deepthin::runtime

// Rates of each kernel on one thread, for each instruction set: generated from kernel_table.inc, so
// that none is without one. Matrix kernels in FLOP/s, MatVec beside it and all others in bytes/s.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "runtime/kernels/kernels.h"

namespace deepthin::runtime {
namespace {

constexpr int64_t kWidth = 576;  // MobileLLM-125M
constexpr int64_t kHidden = 1536;
constexpr int64_t kHeadDim = 64;

std::vector<float> Values(int64_t n) {
  std::vector<float> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.001F * static_cast<float>(static_cast<int>(i * 7919 % 2001) - 1000);
  }
  return values;
}

void SetBytes(benchmark::State& state, int64_t floats) {
  state.SetBytesProcessed(state.iterations() * floats * static_cast<int64_t>(sizeof(float)));
}

void SetFlops(benchmark::State& state, int64_t macs) {
  state.counters["FLOP/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * 2.0 * static_cast<double>(macs),
                         benchmark::Counter::kIsRate);
}

// 288 MiB of weights: from DRAM, beyond every cache.
void BenchMatVec(const Kernels& k, benchmark::State& state) {
  const int64_t rows = int64_t{32} * 4096;
  const auto w = Values(rows * kWidth);
  const auto x = Values(kWidth);
  auto y = Values(rows);
  for ([[maybe_unused]] auto _ : state) {
    k.MatVec(Dense(w.data(), rows, kWidth), x.data(), y.data());
    benchmark::DoNotOptimize(y.data());
  }
  SetBytes(state, rows * kWidth);
}

void BenchMatMul(const Kernels& k, benchmark::State& state) {
  const int64_t tokens = 64;
  const auto w = Values(kHidden * kWidth);
  const auto x = Values(tokens * kWidth);
  auto y = Values(tokens * kHidden);
  for ([[maybe_unused]] auto _ : state) {
    k.MatMul(Dense(w.data(), kHidden, kWidth), Dense(x.data(), tokens, kWidth),
             Dense(y.data(), tokens, kHidden));
    benchmark::DoNotOptimize(y.data());
  }
  SetFlops(state, kHidden * kWidth * tokens);
}

void BenchAttentionScores(const Kernels& k, benchmark::State& state) {
  const int64_t positions = 128;
  const auto keys = Values(positions * kHeadDim);
  const auto q = Values(3 * kHeadDim);
  auto scores = Values(3 * positions);
  for ([[maybe_unused]] auto _ : state) {
    k.AttentionScores(0.125F, Dense(q.data(), 3, kHeadDim), Dense(keys.data(), positions, kHeadDim),
                      Dense(scores.data(), 3, positions));
    benchmark::DoNotOptimize(scores.data());
  }
  SetBytes(state, positions * kHeadDim);
  SetFlops(state, 3 * positions * kHeadDim);
}

void BenchAttentionValues(const Kernels& k, benchmark::State& state) {
  const int64_t positions = 128;
  const auto values = Values(positions * kHeadDim);
  const auto probs = Values(3 * positions);
  const std::vector<float> scales(3, 0.5F);
  auto out = Values(3 * kHeadDim);
  for ([[maybe_unused]] auto _ : state) {
    k.AttentionValues(Dense(probs.data(), 3, positions), Dense(values.data(), positions, kHeadDim),
                      scales.data(), Dense(out.data(), 3, kHeadDim));
    benchmark::DoNotOptimize(out.data());
  }
  SetBytes(state, positions * kHeadDim);
  SetFlops(state, 3 * positions * kHeadDim);
}

void BenchSoftmaxStep(const Kernels& k, benchmark::State& state) {
  auto scores = Values(128);
  for ([[maybe_unused]] auto _ : state) {
    SoftmaxState softmax;
    benchmark::DoNotOptimize(k.SoftmaxStep(scores.data(), 128, &softmax));
  }
  SetBytes(state, 128);
}

void BenchRmsNorm(const Kernels& k, benchmark::State& state) {
  const auto x = Values(kWidth);
  auto out = Values(kWidth);
  for ([[maybe_unused]] auto _ : state) {
    k.RmsNorm(x.data(), x.data(), kWidth, 1e-5F, out.data());
    benchmark::DoNotOptimize(out.data());
  }
  SetBytes(state, kWidth);
}

void BenchRope(const Kernels& k, benchmark::State& state) {
  auto heads = Values(9 * kHeadDim);
  const std::vector<float> cos(kHeadDim, 0.8F);
  const std::vector<float> sin(kHeadDim, 0.6F);
  for ([[maybe_unused]] auto _ : state) {
    k.Rope(Dense(heads.data(), 9, kHeadDim), cos.data(), sin.data());
    benchmark::DoNotOptimize(heads.data());
  }
  SetBytes(state, 9 * kHeadDim);
}

// Kernels that work on one vector in place, which is copied anew so that it neither grows nor dies.
template <class Body>
void BenchInPlace(benchmark::State& state, const Body& body) {
  const auto fresh = Values(kHidden);
  auto x = fresh;
  for ([[maybe_unused]] auto _ : state) {
    x = fresh;
    body(x.data());
    benchmark::DoNotOptimize(x.data());
  }
  SetBytes(state, kHidden);
}

void BenchSwiGlu(const Kernels& k, benchmark::State& state) {
  const auto up = Values(kHidden);
  BenchInPlace(state, [&](float* x) { k.SwiGlu(x, up.data(), kHidden); });
}
void BenchGelu(const Kernels& k, benchmark::State& state) {
  BenchInPlace(state, [&](float* x) { k.Gelu(x, kHidden); });
}
void BenchRelu(const Kernels& k, benchmark::State& state) {
  BenchInPlace(state, [&](float* x) { k.Relu(x, kHidden); });
}
void BenchAxpy(const Kernels& k, benchmark::State& state) {
  const auto x = Values(kHidden);
  BenchInPlace(state, [&](float* y) { k.Axpy(0.5F, x.data(), kHidden, y); });
}

[[maybe_unused]] const bool registered = [] {
  for (const Kernels& kernels : SupportedKernels()) {
#define DEEPTHIN_KERNEL(name)                            \
  benchmark::RegisterBenchmark(                          \
      (#name "/" + std::string(kernels.target)).c_str(), \
      [&kernels](benchmark::State& state) { Bench##name(kernels, state); });
#include "runtime/kernels/kernel_table.inc"
#undef DEEPTHIN_KERNEL
  }
  return true;
}();

}  // namespace
}  // namespace deepthin::runtime

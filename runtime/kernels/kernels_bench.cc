// Rates of each kernel on one thread, for each instruction set: generated from kernel_table.inc, so
// that none is without one. Products of many tokens in FLOP/s and as a share of what multiply-adds
// in f32 reach from registers (more than 1 where the instructions are others); products of one
// token in bytes/s and as a share of what reading so many bytes reaches; all others in bytes/s.
#include <benchmark/benchmark.h>

#include <chrono>
#include <string>
#include <vector>

#include "runtime/kernels/kernels.h"
#include "runtime/kernels/peak_rate.h"
#include "runtime/measuring/stream_bandwidth.h"

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

// Of a run: how much was done in a second, as a share of what could have been. The library's own
// counters are rates or plain numbers.
class ShareOfPeak {
 public:
  void Set(benchmark::State& state, double done_each, double peak) const {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin_;
    if (peak > 0) {
      state.counters["of_peak"] =
          static_cast<double>(state.iterations()) * done_each / elapsed.count() / peak;
    }
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// Weights of a format, and activations in the form that it takes.
struct Operands {
  Operands(Dtype dtype, int64_t rows, int64_t tokens)
      : w{dtype, rows, kWidth, nullptr, nullptr},
        bytes(static_cast<size_t>(rows * w.row_bytes())),
        row_scales(static_cast<size_t>(rows)),
        values(Values(tokens * kWidth)),
        quantized(static_cast<size_t>(tokens * PaddedCols(kWidth) + 64)),
        scales(static_cast<size_t>(tokens * kWidth / kGroup)),
        y(Values(tokens * rows)) {
    const auto row = Values(kWidth);
    for (int64_t r = 0; r < rows; ++r) {
      QuantizeRow(dtype, row.data(), kWidth, bytes.data() + r * w.row_bytes(),
                  &row_scales[static_cast<size_t>(r)]);
    }
    w.data = bytes.data();
    w.row_scales = row_scales.data();
    const auto address = reinterpret_cast<uintptr_t>(quantized.data());
    int8_t* aligned = quantized.data() + (64 - address % 64) % 64;
    x = {.rows = tokens,
         .cols = kWidth,
         .values = values.data(),
         .stride = kWidth,
         .quantized = aligned,
         .scales = scales.data(),
         .scale_stride = kWidth / kGroup};
    for (int64_t t = 0; t < tokens; ++t) {
      reference::QuantizeGroups(x.Values(t), kWidth, aligned + t * PaddedCols(kWidth),
                                scales.data() + t * kWidth / kGroup);
    }
  }

  WeightMatrix w;
  std::vector<std::byte> bytes;
  std::vector<float> row_scales;
  std::vector<float> values;
  std::vector<int8_t> quantized;
  std::vector<float> scales;
  std::vector<float> y;
  ActivationView x;
};

// One token: 128 MB of weights, from DRAM or the last cache.
void BenchDecode(const Kernels& k, Dtype dtype, benchmark::State& state) {
  const int64_t rows = 128'000'000 / WeightMatrix{.dtype = dtype, .cols = kWidth}.row_bytes();
  Operands operands(dtype, rows, 1);
  static StreamPeaks peaks;
  const BytesPerSecond peak = peaks.Peak(1, operands.w.bytes());
  const ShareOfPeak share;
  for ([[maybe_unused]] auto _ : state) {
    k.MatMul(dtype)(operands.w, operands.x, Dense(operands.y.data(), 1, rows));
    benchmark::DoNotOptimize(operands.y.data());
  }
  const auto bytes = static_cast<double>(operands.w.bytes().value());
  share.Set(state, bytes, peak.value());
  state.SetBytesProcessed(state.iterations() * operands.w.bytes().value());
}

void BenchPrefill(const Kernels& k, Dtype dtype, benchmark::State& state) {
  const int64_t tokens = state.range(0);
  Operands operands(dtype, kHidden, tokens);
  const double peak = PeakMultiplyAddRate(k.target);
  const ShareOfPeak share;
  for ([[maybe_unused]] auto _ : state) {
    k.MatMul(dtype)(operands.w, operands.x, Dense(operands.y.data(), tokens, kHidden));
    benchmark::DoNotOptimize(operands.y.data());
  }
  share.Set(state, 2.0 * static_cast<double>(kHidden * kWidth * tokens), peak);
  SetFlops(state, kHidden * kWidth * tokens);
}

// range(0): tokens. One is decode, many are prefill.
void BenchProduct(const Kernels& k, Dtype dtype, benchmark::State& state) {
  if (state.range(0) == 1) {
    BenchDecode(k, dtype, state);
  } else {
    BenchPrefill(k, dtype, state);
  }
}
void BenchMatMulF32(const Kernels& k, benchmark::State& state) {
  BenchProduct(k, Dtype::kF32, state);
}
void BenchMatMulF16(const Kernels& k, benchmark::State& state) {
  BenchProduct(k, Dtype::kF16, state);
}
void BenchMatMulBf16(const Kernels& k, benchmark::State& state) {
  BenchProduct(k, Dtype::kBf16, state);
}
void BenchMatMulQ8_0(const Kernels& k, benchmark::State& state) {
  BenchProduct(k, Dtype::kQ8_0, state);
}
void BenchMatMulQ4_0(const Kernels& k, benchmark::State& state) {
  BenchProduct(k, Dtype::kQ4_0, state);
}
void BenchMatMulInt8(const Kernels& k, benchmark::State& state) {
  BenchProduct(k, Dtype::kInt8, state);
}

void BenchQuantizeGroups(const Kernels& k, benchmark::State& state) {
  Operands operands(Dtype::kQ8_0, 1, 1);
  for ([[maybe_unused]] auto _ : state) {
    k.QuantizeGroups(operands.values.data(), kWidth, operands.quantized.data(),
                     operands.scales.data());
    benchmark::DoNotOptimize(operands.quantized.data());
  }
  SetBytes(state, kWidth);
}

void BenchQuantizeRow(const Kernels& k, benchmark::State& state) {
  Operands operands(Dtype::kInt8, 1, 1);
  for ([[maybe_unused]] auto _ : state) {
    k.QuantizeRow(operands.values.data(), kWidth, operands.quantized.data(),
                  operands.scales.data());
    benchmark::DoNotOptimize(operands.quantized.data());
  }
  SetBytes(state, kWidth);
}

// range(0): index of the format in kKvDtypes.
constexpr Dtype kKvDtypes[] = {Dtype::kF32, Dtype::kF16, Dtype::kInt8};
constexpr int64_t kPositions = 128;

// One key/value head and its three query heads.
template <class Body>
void BenchAttention(benchmark::State& state, const Body& body) {
  const Dtype dtype = kKvDtypes[state.range(0)];
  const std::vector<std::byte> kv(
      static_cast<size_t>(kPositions * kHeadDim * KvElementBytes(dtype)));
  const std::vector<float> kv_scales(kPositions, 0.01F);
  const KvView view = {dtype, kHeadDim, kv.data(),
                       dtype == Dtype::kInt8 ? kv_scales.data() : nullptr};
  for ([[maybe_unused]] auto _ : state) body(view);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kv.size()));
  SetFlops(state, 3 * kPositions * kHeadDim);
}

void BenchAttentionScores(const Kernels& k, benchmark::State& state) {
  const auto q = Values(3 * kHeadDim);
  auto scores = Values(3 * kPositions);
  BenchAttention(state, [&](const KvView& keys) {
    k.AttentionScores(0.125F, Dense(q.data(), 3, kHeadDim), keys, kPositions,
                      Dense(scores.data(), 3, kPositions));
    benchmark::DoNotOptimize(scores.data());
  });
}

void BenchAttentionValues(const Kernels& k, benchmark::State& state) {
  const auto probs = Values(3 * kPositions);
  const std::vector<float> scales(3, 0.5F);
  auto out = Values(3 * kHeadDim);
  BenchAttention(state, [&](const KvView& values) {
    k.AttentionValues(Dense(probs.data(), 3, kPositions), values, scales.data(),
                      Dense(out.data(), 3, kHeadDim));
    benchmark::DoNotOptimize(out.data());
  });
}

void BenchToF16(const Kernels& k, benchmark::State& state) {
  const auto x = Values(kHidden);
  std::vector<uint16_t> out(x.size());
  for ([[maybe_unused]] auto _ : state) {
    k.ToF16(x.data(), kHidden, out.data());
    benchmark::DoNotOptimize(out.data());
  }
  SetBytes(state, kHidden);
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

#if !defined(__clang_analyzer__)  // takes the library's list of benchmarks for a leak
void Register(const std::string& name, const Kernels& kernels,
              void (*bench)(const Kernels&, benchmark::State&)) {
  auto* registered = benchmark::RegisterBenchmark(
      (name + "/" + std::string(kernels.target)).c_str(),
      [&kernels, bench](benchmark::State& state) { bench(kernels, state); });
  if (name.starts_with("MatMul")) registered->Arg(1)->Arg(256);
  if (name.starts_with("Attention")) registered->DenseRange(0, 2);
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const Kernels& kernels : SupportedKernels()) {
#define DEEPTHIN_KERNEL(name) Register(#name, kernels, Bench##name);
#include "runtime/kernels/kernel_table.inc"
#undef DEEPTHIN_KERNEL
  }
  return true;
}();
#endif

}  // namespace
}  // namespace deepthin::runtime

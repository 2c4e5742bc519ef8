// For one token the lanes are columns, and a row is read as it lies in memory; for several they are
// rows: a panel of rows is interleaved once, two columns of a row in a lane, and meets all tokens.
#include "runtime/kernels/bf16_products.h"

#if defined(__x86_64__)
// GCC 12 takes the undefined operands of its own intrinsics for a mistake (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "runtime/kernels/avx512_transpose.h"
#include "runtime/kernels/thread_scratch.h"
#include "runtime/kernels/weight_prefetch.h"

#define DEEPTHIN_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")))
#define DEEPTHIN_BF16_INLINE DEEPTHIN_BF16 inline __attribute__((always_inline))

namespace deepthin::runtime::bf16 {
namespace {

constexpr int64_t kVectors = 4;  // of rows in a panel; 4 x 6 sums are 24 of 32 registers
constexpr int kTokens = 6;
constexpr int64_t kColumns = 32;  // of a vector

// Columns [c, c + 32) of a row; zeros behind the last.
DEEPTHIN_BF16_INLINE __m512i LoadColumns(const uint16_t* row, int64_t c, int64_t cols) {
  const int64_t n = std::min(cols - c, kColumns);
  return _mm512_maskz_loadu_epi16(~uint32_t{0} >> (kColumns - n), row + c);
}

DEEPTHIN_BF16_INLINE __m512 AddProducts(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

// [tokens, padded], zeros behind the last column.
DEEPTHIN_BF16 const uint16_t* RoundActivations(const ActivationView& x, int64_t padded) {
  auto* all = ThreadScratch<uint16_t>(ScratchUse::kActivations, x.rows * padded);
  for (int64_t t = 0; t < x.rows; ++t) {
    const float* from = x.Values(t);
    for (int64_t c = 0; c < padded; c += 16) {
      const int64_t n = std::clamp<int64_t>(x.cols - c, 0, 16);
      const __m512 floats = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1), from + c);
      _mm256_store_si256(reinterpret_cast<__m256i*>(all + t * padded + c),
                         reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(floats)));
    }
  }
  return all;
}

template <bool kIsCached>
DEEPTHIN_BF16_INLINE float Dot(const uint16_t* row, const uint16_t* x, int64_t cols) {
  __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  int64_t c = 0;
  for (; c + 2 * kColumns <= cols; c += 2 * kColumns) {
    for (int i = 0; i < 2; ++i) {
      const int64_t at = c + i * kColumns;
      if constexpr (kIsCached) PrefetchCached(row + at, kColumns * int64_t{sizeof(uint16_t)});
      sums[i] = AddProducts(sums[i], _mm512_loadu_si512(row + at), _mm512_load_si512(x + at));
    }
  }
  for (; c < cols; c += kColumns) {
    sums[0] = AddProducts(sums[0], LoadColumns(row, c, cols), _mm512_load_si512(x + c));
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
}

template <bool kIsCached>
DEEPTHIN_BF16 void MatVec(MatrixView<const uint16_t> w, const uint16_t* x, float* y) {
  for (int64_t r = 0; r < w.rows; ++r) {
    PrefetchPagesBehind(w.Row(r), w.cols * static_cast<int64_t>(sizeof(uint16_t)));
    y[r] = Dot<kIsCached>(w.Row(r), x, w.cols);
  }
}

// panel[c / 2][r] = columns c and c + 1 of row first + r, for 16 kPanelVectors rows; the last row
// of w stands for those that are missing.
template <int64_t kPanelVectors>
DEEPTHIN_BF16 void Pack(MatrixView<const uint16_t> w, int64_t first, uint16_t* panel) {
  constexpr int64_t kStride = kColumns * kPanelVectors;
  for (int64_t v = 0; v < kPanelVectors; ++v) {
    const uint16_t* rows[16];
    for (int64_t r = 0; r < 16; ++r) rows[r] = w.Row(std::min(first + 16 * v + r, w.rows - 1));
    uint16_t* to = panel + v * kColumns;
    for (int64_t c = 0; c < w.cols; c += kColumns) {
      __m512i pairs[16];
      for (int r = 0; r < 16; ++r) pairs[r] = LoadColumns(rows[r], c, w.cols);
      avx512::Transpose(pairs);
      for (const __m512i& pair : pairs) {
        _mm512_store_si512(to, pair);
        to += kStride;
      }
    }
  }
}

// y[t][r] for kTileTokens tokens, whose bf16 begin at x, and `rows` rows of the panel.
template <int64_t kPanelVectors, int kTileTokens>
DEEPTHIN_BF16 void Tile(const uint16_t* panel, const uint16_t* x, int64_t padded, int64_t rows,
                        MutableMatrix y) {
  __m512 sums[kTileTokens][kPanelVectors];
  for (auto& of_token : sums) {
    for (auto& sum : of_token) sum = _mm512_setzero_ps();
  }
  for (int64_t c = 0; c < padded; c += 2) {
    __m512i w[kPanelVectors];
    for (int64_t v = 0; v < kPanelVectors; ++v) w[v] = _mm512_load_si512(panel + v * kColumns);
    panel += kPanelVectors * kColumns;
    for (int t = 0; t < kTileTokens; ++t) {
      int32_t pair = 0;
      std::memcpy(&pair, x + t * padded + c, sizeof(pair));
      const __m512i both = _mm512_set1_epi32(pair);
      for (int64_t v = 0; v < kPanelVectors; ++v) sums[t][v] = AddProducts(sums[t][v], w[v], both);
    }
  }
  for (int t = 0; t < kTileTokens; ++t) {
    for (int64_t v = 0; v < kPanelVectors; ++v) {
      const int64_t left = std::clamp<int64_t>(rows - 16 * v, 0, 16);
      _mm512_mask_storeu_ps(y.Row(t) + 16 * v, static_cast<__mmask16>((1U << left) - 1),
                            sums[t][v]);
    }
  }
}

// The tile for as many tokens as are left, 1 to kTileTokens.
template <int64_t kPanelVectors, int kTileTokens>
DEEPTHIN_BF16 void LastTile(const uint16_t* panel, const uint16_t* x, int64_t padded, int64_t rows,
                            MutableMatrix y) {
  if constexpr (kTileTokens > 1) {
    if (y.rows < kTileTokens) {
      LastTile<kPanelVectors, kTileTokens - 1>(panel, x, padded, rows, y);
      return;
    }
  }
  Tile<kPanelVectors, kTileTokens>(panel, x, padded, rows, y);
}

// All tokens by the rows of w from `first` on that a panel of kPanelVectors vectors takes.
template <int64_t kPanelVectors>
DEEPTHIN_BF16 void MultiplyByPanel(MatrixView<const uint16_t> w, int64_t first, const uint16_t* x,
                                   int64_t padded, MutableMatrix y) {
  auto* panel = ThreadScratch<uint16_t>(ScratchUse::kPanel, padded * 16 * kPanelVectors);
  Pack<kPanelVectors>(w, first, panel);
  const int64_t rows = std::min<int64_t>(16 * kPanelVectors, w.rows - first);
  const MutableMatrix part = y.Columns(first, first + rows);
  for (int64_t t = 0; t < y.rows; t += kTokens) {
    LastTile<kPanelVectors, kTokens>(panel, x + t * padded, padded, rows, part.Rows(t, y.rows));
  }
}

}  // namespace

bool Supported() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_is("amd");
}

void MatMulBf16(const WeightMatrix& weights, const ActivationView& x, MutableMatrix y) {
  const auto w = Dense(reinterpret_cast<const uint16_t*>(weights.data), weights.rows, weights.cols);
  const int64_t padded = (w.cols + kColumns - 1) / kColumns * kColumns;
  const uint16_t* rounded = RoundActivations(x, padded);
  if (x.rows == 1) {
    if (weights.is_cached) return MatVec<true>(w, rounded, y.data);
    return MatVec<false>(w, rounded, y.data);
  }
  constexpr int64_t kHalf = 8 * kVectors;  // rows of half a panel
  int64_t first = 0;
  for (; first + kHalf < w.rows; first += 2 * kHalf) {
    MultiplyByPanel<kVectors>(w, first, rounded, padded, y);
  }
  if (first < w.rows) MultiplyByPanel<kVectors / 2>(w, first, rounded, padded, y);
}

}  // namespace deepthin::runtime::bf16
#endif  // __x86_64__

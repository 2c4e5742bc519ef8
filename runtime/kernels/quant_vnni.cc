// Products of several tokens, by AVX-512 VNNI. Lanes are rows: a panel of rows is interleaved once,
// four columns of a row in a lane, and meets all tokens.
#include "runtime/kernels/quant_vnni.h"

#include "runtime/kernels/quant_limits.h"
#include "runtime/kernels/reference.h"

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

#define DEEPTHIN_VNNI \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c")))
#define DEEPTHIN_VNNI_INLINE DEEPTHIN_VNNI inline __attribute__((always_inline))

namespace deepthin::runtime::vnni {
namespace {

constexpr int64_t kVectors = 2;  // of rows in a panel
constexpr int64_t kPanelRows = 16 * kVectors;

// How the columns of a format are read, 64 at once, as unsigned bytes. Groups behind the last one
// repeat it: activations are zero there.
struct Q8Format {
  static constexpr int kTokens = 6;  // of a tile: 12 sums in int32 and 12 in f32 of 32 registers
  static constexpr int kOffset = kByteOffset;
  static constexpr bool kGrouped = true;
  using Group = Q8Group;

  DEEPTHIN_VNNI_INLINE static __m512i Load(const std::byte* row, int64_t c, int64_t cols) {
    const std::byte* a = row + c / kGroup * static_cast<int64_t>(sizeof(Group));
    const std::byte* b = c + kGroup < cols ? a + sizeof(Group) : a;
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + 2));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + 2));
    return _mm512_xor_si512(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1),
                            _mm512_set1_epi8(static_cast<char>(kOffset)));
  }
};

struct Q4Format {
  static constexpr int kTokens = 6;
  static constexpr int kOffset = kNibbleOffset;
  static constexpr bool kGrouped = true;
  using Group = Q4Group;

  DEEPTHIN_VNNI_INLINE static __m512i Load(const std::byte* row, int64_t c, int64_t cols) {
    const std::byte* a = row + c / kGroup * static_cast<int64_t>(sizeof(Group));
    const std::byte* b = c + kGroup < cols ? a + sizeof(Group) : a;
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + 2));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + 2));
    const __m512i both =
        _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_broadcastsi128_si256(low)),
                           _mm256_broadcastsi128_si256(high), 1);
    const __m512i shifts = _mm512_set_epi64(4, 4, 0, 0, 4, 4, 0, 0);
    return _mm512_and_si512(_mm512_srlv_epi64(both, shifts), _mm512_set1_epi8(0xf));
  }
};

struct Int8Format {
  static constexpr int kTokens = 8;  // 16 sums; with more, GCC 12 spills
  static constexpr int kOffset = kByteOffset;
  static constexpr bool kGrouped = false;

  DEEPTHIN_VNNI_INLINE static __m512i Load(const std::byte* row, int64_t c, int64_t cols) {
    const int64_t n = std::min<int64_t>(cols - c, 64);
    const __mmask64 mask = ~uint64_t{0} >> (64 - n);
    return _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, row + c),
                            _mm512_set1_epi8(static_cast<char>(kOffset)));
  }
};

// `segments` stretches of the columns with a scale for each row, `quads` times four columns in
// each: a group, or the whole of an int8 row.
struct Panel {
  int64_t segments = 0;
  int64_t quads = 0;
  uint8_t* values = nullptr;  // [segments, quads, kPanelRows, 4]
  float* scales = nullptr;    // [segments, kPanelRows]
};

template <class Format>
DEEPTHIN_VNNI_INLINE void PackScales(const WeightMatrix& w, const std::byte* const* rows,
                                     int64_t first, const Panel& panel) {
  if constexpr (Format::kGrouped) {
    using Group = typename Format::Group;
    auto* bits = ThreadScratch<uint16_t>(ScratchUse::kScales, panel.segments * kPanelRows);
    for (int64_t r = 0; r < kPanelRows; ++r) {
      const auto* groups = reinterpret_cast<const Group*>(rows[r]);
      for (int64_t s = 0; s < panel.segments; ++s) {
        std::memcpy(bits + s * kPanelRows + r, groups[s].scale, sizeof(uint16_t));
      }
    }
    for (int64_t i = 0; i < panel.segments * kPanelRows; i += 16) {
      const auto* from = reinterpret_cast<const __m256i*>(bits + i);
      _mm512_store_ps(panel.scales + i, _mm512_cvtph_ps(_mm256_load_si256(from)));
    }
  } else {
    for (int64_t r = 0; r < kPanelRows; ++r) {
      panel.scales[r] = w.row_scales[std::min(first + r, w.rows - 1)];
    }
  }
}

// Rows from `first` on; the last one again for those that are missing.
template <class Format>
DEEPTHIN_VNNI_INLINE void Pack(const WeightMatrix& w, int64_t first, const Panel& panel) {
  const std::byte* rows[kPanelRows];
  for (int64_t r = 0; r < kPanelRows; ++r) rows[r] = w.Row(std::min(first + r, w.rows - 1));
  for (int64_t v = 0; v < kVectors; ++v) {
    uint8_t* to = panel.values + 64 * v;
    for (int64_t c = 0; c < w.cols; c += 64) {
      __m512i columns[16];
      for (int r = 0; r < 16; ++r) columns[r] = Format::Load(rows[16 * v + r], c, w.cols);
      avx512::Transpose(columns);
      for (const __m512i& quad : columns) {
        _mm512_store_si512(to, quad);
        to += 4 * kPanelRows;
      }
    }
  }
  PackScales<Format>(w, rows, first, panel);
}

// [tokens, segments]: what the offset of the weights adds to each sum, negated.
template <class Format>
DEEPTHIN_VNNI_INLINE const int32_t* Corrections(const ActivationView& x, int64_t segments) {
  auto* all = ThreadScratch<int32_t>(ScratchUse::kCorrections, x.rows * segments);
  const int64_t cols = Format::kGrouped ? kGroup : PaddedCols(x.cols);
  const __m256i offset = _mm256_set1_epi8(static_cast<char>(Format::kOffset));
  for (int64_t t = 0; t < x.rows; ++t) {
    const int8_t* values = x.Quantized(t);
    for (int64_t s = 0; s < segments; ++s) {
      __m256i sums = _mm256_setzero_si256();
      for (int64_t c = 0; c < cols; c += kGroup) {
        const auto* group = reinterpret_cast<const __m256i*>(values + s * cols + c);
        sums = _mm256_dpbusd_epi32(sums, offset, _mm256_load_si256(group));
      }
      __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
      sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
      sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
      all[t * segments + s] = -_mm_cvtsi128_si32(sum);
    }
  }
  return all;
}

// y[t][r] for kTokens tokens from `token` on and `rows` rows of the panel.
template <class Format, int kTokens>
DEEPTHIN_VNNI void Tile(const Panel& panel, const int32_t* corrections, const ActivationView& x,
                        int64_t token, int64_t rows, MutableMatrix y) {
  const int64_t stride = PaddedCols(x.cols);
  const int64_t segments = Format::kGrouped ? panel.segments : 1;
  const int64_t quads = Format::kGrouped ? kGroup / 4 : panel.quads;
  const uint8_t* weights = panel.values;
  const int8_t* values = x.Quantized(token);
  __m512 totals[kTokens][kVectors];
  for (auto& of_token : totals) {
    for (auto& total : of_token) total = _mm512_setzero_ps();
  }
  for (int64_t s = 0; s < segments; ++s) {
    __m512i sums[kTokens][kVectors];
    for (int t = 0; t < kTokens; ++t) {
      const __m512i correction = _mm512_set1_epi32(corrections[(token + t) * segments + s]);
      for (auto& sum : sums[t]) sum = correction;
    }
    for (int64_t q = 0; q < quads; ++q) {
      __m512i w[kVectors];
      for (int64_t v = 0; v < kVectors; ++v) w[v] = _mm512_load_si512(weights + 64 * v);
      weights += 4 * kPanelRows;
      for (int t = 0; t < kTokens; ++t) {
        int32_t four = 0;
        std::memcpy(&four, values + t * stride, sizeof(four));
        const __m512i all = _mm512_set1_epi32(four);
        for (int64_t v = 0; v < kVectors; ++v)
          sums[t][v] = _mm512_dpbusd_epi32(sums[t][v], w[v], all);
      }
      values += 4;
    }
    for (int64_t v = 0; v < kVectors; ++v) {
      const __m512 w_scales = _mm512_load_ps(panel.scales + s * kPanelRows + 16 * v);
      for (int t = 0; t < kTokens; ++t) {
        const __m512 scales = _mm512_mul_ps(w_scales, _mm512_set1_ps(x.Scales(token + t)[s]));
        totals[t][v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[t][v]), scales, totals[t][v]);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int64_t v = 0; v < kVectors; ++v) {
      const int64_t left = std::clamp<int64_t>(rows - 16 * v, 0, 16);
      _mm512_mask_storeu_ps(y.Row(token + t) + 16 * v, static_cast<__mmask16>((1U << left) - 1),
                            totals[t][v]);
    }
  }
}

// The tile for as many tokens as are left, 1 to kTokens.
template <class Format, int kTokens>
DEEPTHIN_VNNI void LastTile(const Panel& panel, const int32_t* corrections, const ActivationView& x,
                            int64_t token, int64_t rows, MutableMatrix y) {
  if constexpr (kTokens > 1) {
    if (x.rows - token < kTokens) {
      LastTile<Format, kTokens - 1>(panel, corrections, x, token, rows, y);
      return;
    }
  }
  Tile<Format, kTokens>(panel, corrections, x, token, rows, y);
}

template <class Format>
DEEPTHIN_VNNI void MatMul(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  const int64_t groups = (w.cols + kGroup - 1) / kGroup;
  const int64_t padded = PaddedCols(w.cols);
  Panel panel;
  panel.segments = Format::kGrouped ? groups : 1;
  panel.quads = Format::kGrouped ? kGroup / 4 : padded / 4;
  panel.values = ThreadScratch<uint8_t>(ScratchUse::kPanel, padded * kPanelRows);
  panel.scales = ThreadScratch<float>(ScratchUse::kPanelScales, panel.segments * kPanelRows);
  const int32_t* corrections = Corrections<Format>(x, panel.segments);
  for (int64_t first = 0; first < w.rows; first += kPanelRows) {
    Pack<Format>(w, first, panel);
    const int64_t rows = std::min(kPanelRows, w.rows - first);
    const MutableMatrix part = y.Columns(first, first + rows);
    for (int64_t t = 0; t < x.rows; t += Format::kTokens) {
      LastTile<Format, Format::kTokens>(panel, corrections, x, t, rows, part);
    }
  }
}

}  // namespace

bool Supported() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma");
}

void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (x.rows == 1) {
    MatVecQ8_0(w, x, y.data);
  } else {
    MatMul<Q8Format>(w, x, y);
  }
}

void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (x.rows == 1) {
    MatVecQ4_0(w, x, y.data);
  } else {
    MatMul<Q4Format>(w, x, y);
  }
}

void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (w.cols > kMaxInt8Cols) {
    reference::MatMulInt8(w, x, y);
  } else if (x.rows == 1) {
    MatVecInt8(w, x, y.data);
  } else {
    MatMul<Int8Format>(w, x, y);
  }
}

}  // namespace deepthin::runtime::vnni
#endif  // __x86_64__

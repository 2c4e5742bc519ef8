// The same tiles as training_products-inl.h: a vector of 16 columns, two elements of the depth
// each, meets one such pair of each row.
#include "runtime/kernels/bf16_training.h"

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

#define DEEPTHIN_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")))
#define DEEPTHIN_BF16_INLINE DEEPTHIN_BF16 inline __attribute__((always_inline))

namespace deepthin::runtime::bf16 {
namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kVectors = kPanelColumns / kLanes;
constexpr int64_t kPair = 2;

// The first n of 16 lanes.
DEEPTHIN_BF16_INLINE __mmask16 First(int64_t n) {
  return static_cast<__mmask16>((1U << std::clamp<int64_t>(n, 0, kLanes)) - 1);
}

// 32 elements from `from` on, of which n are there; zeros behind them. Pairs, in their order.
DEEPTHIN_BF16_INLINE __m512i RoundAlong(const float* from, int64_t n) {
  const __m512 low = _mm512_maskz_loadu_ps(First(n), from);
  const __m512 high = _mm512_maskz_loadu_ps(First(n - kLanes), from + kLanes);
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

// Lane j: the j-th elements of two rows, of which n are there; a row that is null is zeros.
DEEPTHIN_BF16_INLINE __m512i RoundAcross(const float* first, const float* second, int64_t n) {
  const __mmask16 there = First(n);
  const __m512 low = _mm512_maskz_loadu_ps(there, first);
  const __m512 high =
      second == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(there, second);
  // Elements 0 and 16, 1 and 17 and so on, counted from below.
  const __m512i in_turn = _mm512_set_epi32(
      0x1f000f, 0x1e000e, 0x1d000d, 0x1c000c, 0x1b000b, 0x1a000a, 0x190009, 0x180008, 0x170007,
      0x160006, 0x150005, 0x140004, 0x130003, 0x120002, 0x110001, 0x100000);
  return _mm512_permutexvar_epi16(in_turn,
                                  reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
}

DEEPTHIN_BF16_INLINE __m512 AddProducts(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

template <int kTileVectors, int kRows>
DEEPTHIN_BF16 void Tile(const LeftOperand<float>& left, MatrixView<const float> right,
                        MatrixView<const float> base, MatrixView<float> out) {
  __m512 sums[kRows][kTileVectors];
  const float* from[(kRows + 2) / 3];
  for (int r = 0; r < kRows; ++r) {
    if (r % 3 == 0) from[r / 3] = left.data + r * left.row;
    for (auto& sum : sums[r]) sum = _mm512_setzero_ps();
  }
  const float* columns = right.data;
  for (int64_t k = 0; k < right.rows; ++k) {
    __m512i vectors[kTileVectors];
    for (int v = 0; v < kTileVectors; ++v) vectors[v] = _mm512_loadu_si512(columns + v * kLanes);
    columns += right.stride;
    for (int r = 0; r < kRows; ++r) {
      int32_t pair = 0;
      std::memcpy(&pair, from[r / 3] + r % 3 * left.row, sizeof(pair));
      const __m512i both = _mm512_set1_epi32(pair);
      for (int v = 0; v < kTileVectors; ++v) sums[r][v] = AddProducts(sums[r][v], vectors[v], both);
    }
    for (const float*& pointer : from) pointer += left.step;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kTileVectors; ++v) {
      const __mmask16 there = First(out.cols - v * kLanes);
      __m512 sum = sums[r][v];
      if (base.data != nullptr) {
        sum = _mm512_add_ps(_mm512_maskz_loadu_ps(there, base.Row(r) + v * kLanes), sum);
      }
      _mm512_mask_storeu_ps(out.Row(r) + v * kLanes, there, sum);
    }
  }
}

// The tile for as many rows as are left, 1 to kRows.
template <int kTileVectors, int kRows>
DEEPTHIN_BF16 void LastTile(const LeftOperand<float>& left, MatrixView<const float> right,
                            MatrixView<const float> base, MatrixView<float> out) {
  if constexpr (kRows > 1) {
    if (out.rows < kRows) return LastTile<kTileVectors, kRows - 1>(left, right, base, out);
  }
  Tile<kTileVectors, kRows>(left, right, base, out);
}

template <int kTileVectors>
DEEPTHIN_BF16 void MultiplyColumns(const LeftOperand<float>& left, MatrixView<const float> right,
                                   MatrixView<const float> base, MatrixView<float> out) {
  constexpr int kRows = kTileVectors <= 2 ? 12 : 6;  // 24 of 32 registers are sums
  for (int64_t i = 0; i < out.rows; i += kRows) {
    const MatrixView<const float> base_rows = base.data == nullptr ? base : base.Rows(i, out.rows);
    LastTile<kTileVectors, kRows>({left.data + i * left.row, left.row, left.step}, right, base_rows,
                                  out.Rows(i, out.rows));
  }
}

}  // namespace

DEEPTHIN_BF16 void RoundRows(MatrixView<const float> rows, float* out) {
  const int64_t depth = (rows.cols + 1) / kPair;
  for (int64_t i = 0; i < rows.rows; ++i) {
    for (int64_t k = 0; k < depth; k += kLanes) {
      const __m512i pairs = RoundAlong(rows.Row(i) + kPair * k, rows.cols - kPair * k);
      _mm512_mask_storeu_epi32(out + i * depth + k, First(depth - k), pairs);
    }
  }
}

DEEPTHIN_BF16 void PackRows(MatrixView<const float> rows, float* panel) {
  const int64_t depth = (rows.cols + 1) / kPair;
  for (int64_t v = 0; v < kVectors; ++v) {
    for (int64_t k = 0; k < depth; k += kLanes) {
      __m512i pairs[kLanes];
      for (int64_t r = 0; r < kLanes; ++r) {
        const int64_t row = v * kLanes + r;
        pairs[r] = row < rows.rows ? RoundAlong(rows.Row(row) + kPair * k, rows.cols - kPair * k)
                                   : _mm512_setzero_si512();
      }
      avx512::Transpose(pairs);
      for (int64_t i = 0; i < std::min(kLanes, depth - k); ++i) {
        _mm512_storeu_si512(panel + (k + i) * kPanelColumns + v * kLanes, pairs[i]);
      }
    }
  }
}

DEEPTHIN_BF16 void PairRows(MatrixView<const float> rows, MatrixView<float> out) {
  for (int64_t k = 0; k < rows.rows; k += kPair) {
    const float* first = rows.Row(k);
    const float* second = k + 1 < rows.rows ? rows.Row(k + 1) : nullptr;
    float* to = out.Row(k / kPair);
    for (int64_t j = 0; j < rows.cols; j += kLanes) {
      const float* below = second == nullptr ? nullptr : second + j;
      _mm512_storeu_si512(to + j, RoundAcross(first + j, below, rows.cols - j));
    }
  }
}

DEEPTHIN_BF16 void PackColumns(MatrixView<const float> columns, float* panel) {
  const int64_t depth = (columns.rows + 1) / kPair;
  PairRows(columns, Dense(panel, depth, kPanelColumns));
  for (int64_t j = Padded(columns.cols); j < kPanelColumns; j += kLanes) {
    for (int64_t k = 0; k < depth; ++k) {
      _mm512_storeu_si512(panel + k * kPanelColumns + j, _mm512_setzero_si512());
    }
  }
}

void Multiply(const LeftOperand<float>& left, MatrixView<const float> right,
              MatrixView<const float> base, MatrixView<float> out) {
  for (int64_t j = 0; j < out.cols; j += kPanelColumns) {
    const int64_t end = std::min(j + kPanelColumns, out.cols);
    const MatrixView<const float> columns = right.Columns(j, right.cols);
    const MatrixView<const float> under = base.data == nullptr ? base : base.Columns(j, end);
    const MatrixView<float> part = out.Columns(j, end);
    switch ((end - j + kLanes - 1) / kLanes) {
      case 1:
        MultiplyColumns<1>(left, columns, under, part);
        break;
      case 2:
        MultiplyColumns<2>(left, columns, under, part);
        break;
      case 3:
        MultiplyColumns<3>(left, columns, under, part);
        break;
      default:
        MultiplyColumns<4>(left, columns, under, part);
    }
  }
}

}  // namespace deepthin::runtime::bf16
#endif  // __x86_64__

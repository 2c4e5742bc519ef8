// Matrix kernels for one Highway target: included once per target by kernels.cc.
//
// Each output is one chain of fused multiply-adds per lane, then the lanes' sum, then the columns
// behind the last whole vector. All tile shapes keep that order, so that a result does not depend
// on the rows and tokens beside it: MatVec and MatMul agree bit for bit.
#if defined(DEEPTHIN_KERNELS_MATMUL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_MATMUL_INL_H_
#undef DEEPTHIN_KERNELS_MATMUL_INL_H_
#else
#define DEEPTHIN_KERNELS_MATMUL_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "runtime/kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Tile of rows x tokens that is kept in registers: 24 of 32, or 8 of 16.
inline constexpr int kTileRows = 4;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
inline constexpr int kTileTokens = 6;
#else
inline constexpr int kTileTokens = 2;
#endif
// Rows that MatVec streams side by side: as many chains as hide the latency of an FMA (4 cycles, 2
// per cycle).
inline constexpr int kStreamRows = 8;
// How far ahead of the loads a row is prefetched, in bytes: hides DRAM latency at page borders,
// where the hardware prefetcher stops.
inline constexpr int64_t kPrefetchBytes = 1024;

// y[t][r] = scale * dot(w[r], x[t]) for kRows rows and kTokens tokens.
template <int kRows, int kTokens, bool kPrefetch>
HWY_INLINE void DotTile(float scale, ConstMatrix w, ConstMatrix x, int64_t row, int64_t token,
                        MutableMatrix y) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = w.cols - w.cols % lanes;
  const float* HWY_RESTRICT w_rows[kRows];
  const float* HWY_RESTRICT x_rows[kTokens];
  for (int r = 0; r < kRows; ++r) w_rows[r] = w.Row(row + r);
  for (int t = 0; t < kTokens; ++t) x_rows[t] = x.Row(token + t);

  V sums[kRows][kTokens];
  for (int r = 0; r < kRows; ++r) {
    for (int t = 0; t < kTokens; ++t) sums[r][t] = hn::Zero(d);
  }
  for (int64_t c = 0; c < whole; c += lanes) {
    V w_vectors[kRows];
    for (int r = 0; r < kRows; ++r) {
      if (kPrefetch) hwy::Prefetch(w_rows[r] + c + kPrefetchBytes / 4);
      w_vectors[r] = hn::LoadU(d, w_rows[r] + c);
    }
    for (int t = 0; t < kTokens; ++t) {
      const V x_vector = hn::LoadU(d, x_rows[t] + c);
      for (int r = 0; r < kRows; ++r) {
        sums[r][t] = hn::MulAdd(w_vectors[r], x_vector, sums[r][t]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int t = 0; t < kTokens; ++t) {
      float sum = hn::GetLane(hn::SumOfLanes(d, sums[r][t]));
      for (int64_t c = whole; c < w.cols; ++c) sum += w_rows[r][c] * x_rows[t][c];
      y.Row(token + t)[row + r] = scale * sum;
    }
  }
}

// All tokens of kRows rows: the rows come from memory for the first tile and from L1 for the
// others.
template <int kRows>
HWY_INLINE void DotRows(float scale, ConstMatrix w, ConstMatrix x, int64_t row, MutableMatrix y) {
  int64_t t = 0;
  for (; t + kTileTokens <= x.rows; t += kTileTokens) {
    DotTile<kRows, kTileTokens, false>(scale, w, x, row, t, y);
  }
  for (; t + 2 <= x.rows; t += 2) DotTile<kRows, 2, false>(scale, w, x, row, t, y);
  if (t < x.rows) DotTile<kRows, 1, false>(scale, w, x, row, t, y);
}

HWY_INLINE void DotAll(float scale, ConstMatrix w, ConstMatrix x, MutableMatrix y) {
  int64_t r = 0;
  for (; r + kTileRows <= w.rows; r += kTileRows) DotRows<kTileRows>(scale, w, x, r, y);
  for (; r < w.rows; ++r) DotRows<1>(scale, w, x, r, y);
}

void MatVec(ConstMatrix w, const float* x, float* y) {
  const ConstMatrix one_token = Dense(x, 1, w.cols);
  const MutableMatrix out = Dense(y, 1, w.rows);
  int64_t r = 0;
  for (; r + kStreamRows <= w.rows; r += kStreamRows) {
    DotTile<kStreamRows, 1, true>(1.0F, w, one_token, r, 0, out);
  }
  for (; r < w.rows; ++r) DotTile<1, 1, true>(1.0F, w, one_token, r, 0, out);
}

void MatMul(ConstMatrix w, ConstMatrix x, MutableMatrix y) { DotAll(1.0F, w, x, y); }

void AttentionScores(float scale, ConstMatrix q, ConstMatrix k, MutableMatrix scores) {
  DotAll(scale, k, q, scores);
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

// Products with weights in f32, f16 and bf16 for one Highway target: included once per target by
// kernels.cc.
//
// For one token the lanes are columns, and a row is read as it lies in memory; for several they are
// rows: a panel of rows is turned to f32 and interleaved once, and meets all tokens. A result
// depends neither on the rows and tokens beside it nor on where a range of rows begins: for one
// token it is two chains of fused multiply-adds per lane, for several one chain over the columns.
#if defined(DEEPTHIN_KERNELS_FLOAT_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_FLOAT_PRODUCTS_INL_H_
#undef DEEPTHIN_KERNELS_FLOAT_PRODUCTS_INL_H_
#else
#define DEEPTHIN_KERNELS_FLOAT_PRODUCTS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "runtime/kernels/float_loads-inl.h"
#include "runtime/kernels/highway_targets.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kernels/thread_scratch.h"
#include "runtime/kernels/transpose-inl.h"
#include "runtime/kernels/weight_prefetch.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ---- One token ----

// Two chains. A row after the other is one stream, which the processor itself prefetches at about
// the rate of a reading loop (Zen 4): rows side by side took a third of that, or three quarters
// with prefetches of our own.
template <bool kIsCached, class T>
HWY_INLINE float Dot(const T* HWY_RESTRICT row, const float* HWY_RESTRICT x, int64_t cols) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto even = hn::Zero(d);
  auto odd = hn::Zero(d);
  int64_t c = 0;
  for (; c + 2 * lanes <= cols; c += 2 * lanes) {
    if constexpr (kIsCached) PrefetchCached(row + c, 2 * lanes * int64_t{sizeof(T)});
    even = hn::MulAdd(LoadFloats(d, row + c), hn::LoadU(d, x + c), even);
    odd = hn::MulAdd(LoadFloats(d, row + c + lanes), hn::LoadU(d, x + c + lanes), odd);
  }
  if (c + lanes <= cols) {
    even = hn::MulAdd(LoadFloats(d, row + c), hn::LoadU(d, x + c), even);
    c += lanes;
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  for (; c < cols; ++c) sum += ToFloat(row[c]) * x[c];
  return sum;
}

template <bool kIsCached, class T>
HWY_INLINE void MatVec(MatrixView<const T> w, const float* x, float* y) {
  for (int64_t r = 0; r < w.rows; ++r) y[r] = Dot<kIsCached>(w.Row(r), x, w.cols);
}

// ---- Several tokens ----

// A tile of row vectors x tokens is kept in registers: 24 of 32, or 12 of 16. Of 2 x 12, 3 x 8 and
// 4 x 6, all 24, the last is the fastest on Zen 4.
#if DEEPTHIN_32_REGISTERS
inline constexpr int kPanelVectors = 4;
#else
inline constexpr int kPanelVectors = 2;
#endif
inline constexpr int kPanelTokens = 6;

// panel[c][r] = w[first + r][c] for panel_rows rows, a multiple of 4; the last row of w stands for
// those that are missing.
template <class T>
HWY_INLINE void PackPanel(MatrixView<const T> w, int64_t first, int64_t panel_rows, float* panel) {
  const hn::Full128<float> d;
  const int64_t whole = w.cols - w.cols % 4;
  for (int64_t r = 0; r < panel_rows; r += 4) {
    const T* HWY_RESTRICT from[4];
    for (int64_t i = 0; i < 4; ++i) from[i] = w.Row(std::min(first + r + i, w.rows - 1));
    float* HWY_RESTRICT to = panel + r;
    for (int64_t c = 0; c < whole; c += 4) {
      hn::Vec<decltype(d)> rows[4];
      hn::Vec<decltype(d)> columns[4];
      for (int i = 0; i < 4; ++i) rows[i] = LoadFloats(d, from[i] + c);
      Transpose4x4(d, rows, columns);
      for (const auto& column : columns) {
        hn::Store(column, d, to);
        to += panel_rows;
      }
    }
    for (int64_t c = whole; c < w.cols; ++c) {
      for (int i = 0; i < 4; ++i) to[i] = ToFloat(from[i][c]);
      to += panel_rows;
    }
  }
}

// y[t][r] for kTokens tokens from `token` on and `rows` rows of the panel.
template <int kVectors, int kTokens>
HWY_INLINE void FloatTile(const float* panel, const ActivationView& x, int64_t token, int64_t rows,
                          MutableMatrix y) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sums[kTokens][kVectors];
  const float* HWY_RESTRICT values[kTokens];
  for (int t = 0; t < kTokens; ++t) {
    values[t] = x.Values(token + t);
    for (auto& sum : sums[t]) sum = hn::Zero(d);
  }
  for (int64_t c = 0; c < x.cols; ++c) {
    hn::Vec<decltype(d)> w[kVectors];
    for (int v = 0; v < kVectors; ++v) w[v] = hn::Load(d, panel + v * lanes);
    panel += kVectors * lanes;
    for (int t = 0; t < kTokens; ++t) {
      const auto value = hn::Set(d, values[t][c]);
      for (int v = 0; v < kVectors; ++v) sums[t][v] = hn::MulAdd(w[v], value, sums[t][v]);
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    HWY_ALIGN float outputs[kVectors * hn::MaxLanes(d)];
    for (int v = 0; v < kVectors; ++v) hn::Store(sums[t][v], d, outputs + v * lanes);
    std::copy(outputs, outputs + rows, y.Row(token + t));
  }
}

// The tile for as many tokens as are left, 1 to kTokens.
template <int kVectors, int kTokens>
HWY_INLINE void LastFloatTile(const float* panel, const ActivationView& x, int64_t token,
                              int64_t rows, MutableMatrix y) {
  if constexpr (kTokens > 1) {
    if (x.rows - token < kTokens) {
      return LastFloatTile<kVectors, kTokens - 1>(panel, x, token, rows, y);
    }
  }
  FloatTile<kVectors, kTokens>(panel, x, token, rows, y);
}

// All tokens by the rows of w from `first` on that a panel of kVectors vectors takes.
template <int kVectors, class T>
HWY_INLINE void MultiplyByPanel(MatrixView<const T> w, int64_t first, const ActivationView& x,
                                MutableMatrix y) {
  const int64_t panel_rows = kVectors * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  auto* panel = ThreadScratch<float>(ScratchUse::kPanel, w.cols * panel_rows);
  PackPanel(w, first, panel_rows, panel);
  const int64_t rows = std::min(panel_rows, w.rows - first);
  const MutableMatrix part = y.Columns(first, first + rows);
  for (int64_t t = 0; t < x.rows; t += kPanelTokens) {
    LastFloatTile<kVectors, kPanelTokens>(panel, x, t, rows, part);
  }
}

template <class T>
HWY_INLINE void MatMulOfFloats(const WeightMatrix& weights, const ActivationView& x,
                               MutableMatrix y) {
  const auto w = Dense(reinterpret_cast<const T*>(weights.data), weights.rows, weights.cols);
  if (x.rows == 1) {
    if (weights.is_cached) return MatVec<true>(w, x.values, y.data);
    return MatVec<false>(w, x.values, y.data);
  }
  const int64_t half =
      kPanelVectors / 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  int64_t first = 0;
  for (; first + half < w.rows; first += 2 * half) MultiplyByPanel<kPanelVectors>(w, first, x, y);
  if (first < w.rows) MultiplyByPanel<kPanelVectors / 2>(w, first, x, y);
}

void MatMulF32(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfFloats<float>(w, x, y);
}
void MatMulF16(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfFloats<hwy::float16_t>(w, x, y);
}
void MatMulBf16(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfFloats<uint16_t>(w, x, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

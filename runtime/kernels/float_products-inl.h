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

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

#include "runtime/kernels/float_loads-inl.h"
#include "runtime/kernels/highway_targets.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kernels/thread_scratch.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ---- One token ----

// Rows side by side share the loads of activations; 1, 2 and 4 of them run alike (Zen 4). What
// follows them is prefetched in the order in which it lies in memory, so far ahead, into L2: 4 KiB
// ahead, or into L1, 128 MB of weights came at half of what a reading loop reaches, so at three
// quarters.
inline constexpr int kDotRows = 2;
inline constexpr int64_t kPrefetchBytes = 16384;

HWY_INLINE void PrefetchLines(const void* from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) {
    __builtin_prefetch(static_cast<const char*>(from) + kPrefetchBytes + i, 0, 2);
  }
}

// y[i] = dot(rows[i], x): two chains for each row.
template <int kRows, class T>
HWY_INLINE void DotRows(const T* w, int64_t cols, const float* HWY_RESTRICT x, float* y) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const T* HWY_RESTRICT rows[kRows];
  hn::Vec<decltype(d)> sums[kRows][2];
  for (int i = 0; i < kRows; ++i) {
    rows[i] = w + i * cols;
    for (auto& sum : sums[i]) sum = hn::Zero(d);
  }
  int64_t c = 0;
  for (; c + 2 * lanes <= cols; c += 2 * lanes) {
    PrefetchLines(w + kRows * c, kRows * 2 * lanes * static_cast<int64_t>(sizeof(T)));
    for (int v = 0; v < 2; ++v) {
      const auto values = hn::LoadU(d, x + c + v * lanes);
      for (int i = 0; i < kRows; ++i) {
        sums[i][v] = hn::MulAdd(LoadFloats(d, rows[i] + c + v * lanes), values, sums[i][v]);
      }
    }
  }
  for (; c + lanes <= cols; c += lanes) {
    for (int i = 0; i < kRows; ++i) {
      sums[i][0] = hn::MulAdd(LoadFloats(d, rows[i] + c), hn::LoadU(d, x + c), sums[i][0]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    y[i] = hn::GetLane(hn::SumOfLanes(d, hn::Add(sums[i][0], sums[i][1])));
    for (int64_t last = c; last < cols; ++last) y[i] += ToFloat(rows[i][last]) * x[last];
  }
}

template <class T>
HWY_INLINE void MatVec(MatrixView<const T> w, const float* x, float* y) {
  int64_t r = 0;
  for (; r + kDotRows <= w.rows; r += kDotRows) DotRows<kDotRows>(w.Row(r), w.cols, x, y + r);
  for (; r < w.rows; ++r) DotRows<1>(w.Row(r), w.cols, x, y + r);
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

// Lane i of columns[j] = lane j of rows[i].
template <class D>
HWY_INLINE void Transpose4x4(D d, const hn::Vec<D> (&rows)[4], hn::Vec<D> (&columns)[4]) {
  const hn::Repartition<uint64_t, D> pairs;
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, rows[0], rows[1]));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, rows[2], rows[3]));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, rows[0], rows[1]));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, rows[2], rows[3]));
  columns[0] = hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23));
  columns[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23));
  columns[2] = hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23));
  columns[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23));
}

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
  if (x.rows == 1) return MatVec(w, x.values, y.data);
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

// Matrix kernels for one Highway target: included once per target by kernels.cc.
//
// A result depends neither on the rows and tokens beside it nor on where a range of rows begins:
// each output of a matrix product is one chain of fused multiply-adds per lane in every tile shape,
// each of MatVec the same four chains; then the lanes' sum, then the columns behind the last whole
// vector.
#if defined(DEEPTHIN_KERNELS_MATMUL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_MATMUL_INL_H_
#undef DEEPTHIN_KERNELS_MATMUL_INL_H_
#else
#define DEEPTHIN_KERNELS_MATMUL_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

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
// Rows of weights that stay in L2 while the tiles of tokens pass by: 32 x 576 x 4 bytes are 72 KiB.
inline constexpr int64_t kPanelRows = 32;
// How far ahead of its loads MatVec prefetches, in bytes, on through the rows that follow: the
// hardware prefetcher stops at the end of each 4 KiB page. Of 0, 1024, 2048 and 4096 the best on
// Zen 4.
inline constexpr int64_t kPrefetchBytes = 4096;

// y[t][r] = scale * dot(w[r], x[t]) for kRows rows and kTokens tokens.
template <int kRows, int kTokens>
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

// Rows [begin, end) for kTokens tokens: the tokens stay in L1 meanwhile.
template <int kTokens>
HWY_INLINE void DotPanel(float scale, ConstMatrix w, ConstMatrix x, int64_t begin, int64_t end,
                         int64_t token, MutableMatrix y) {
  int64_t r = begin;
  for (; r + kTileRows <= end; r += kTileRows) {
    DotTile<kTileRows, kTokens>(scale, w, x, r, token, y);
  }
  for (; r < end; ++r) DotTile<1, kTokens>(scale, w, x, r, token, y);
}

HWY_INLINE void DotAll(float scale, ConstMatrix w, ConstMatrix x, MutableMatrix y) {
  for (int64_t begin = 0; begin < w.rows; begin += kPanelRows) {
    const int64_t end = std::min(begin + kPanelRows, w.rows);
    int64_t t = 0;
    for (; t + kTileTokens <= x.rows; t += kTileTokens) {
      DotPanel<kTileTokens>(scale, w, x, begin, end, t, y);
    }
    for (; t + 3 <= x.rows; t += 3) DotPanel<3>(scale, w, x, begin, end, t, y);
    for (; t < x.rows; ++t) DotPanel<1>(scale, w, x, begin, end, t, y);
  }
}

// Vectors of f32 from each of the float formats. Two bytes are a bf16 where they are a uint16_t.
template <class D>
HWY_INLINE hn::Vec<D> LoadWeights(D d, const float* from) {
  return hn::LoadU(d, from);
}
template <class D>
HWY_INLINE hn::Vec<D> LoadWeights(D d, const hwy::float16_t* from) {
  const hn::Rebind<hwy::float16_t, D> half;
  return hn::PromoteTo(d, hn::LoadU(half, from));
}
template <class D>
HWY_INLINE hn::Vec<D> LoadWeights(D d, const uint16_t* from) {
  const hn::Rebind<uint16_t, D> half;
  const hn::Rebind<uint32_t, D> bits;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(bits, hn::LoadU(half, from))));
}

HWY_INLINE float WeightToFloat(float x) { return x; }
HWY_INLINE float WeightToFloat(hwy::float16_t x) {  // a class on some targets, a number on others
  uint16_t bits = 0;
  hwy::CopyBytes<sizeof(bits)>(&x, &bits);
  return FloatFromF16(bits);
}
HWY_INLINE float WeightToFloat(uint16_t x) { return FloatFromBf16(x); }

// One row after the other, as they lie in memory: several rows side by side are as many streams,
// and run at two thirds of the bandwidth (Zen 4: 12 instead of 18 GB/s). Four chains hide the
// latency of the multiply-add.
template <class T>
HWY_INLINE void MatVec(MatrixView<const T> w, const float* x, float* y) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = w.cols - w.cols % lanes;
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
  constexpr int64_t kAhead = kPrefetchBytes / static_cast<int64_t>(sizeof(T));
  for (int64_t r = 0; r < w.rows; ++r) {
    const T* HWY_RESTRICT row = w.Row(r);
    auto sum0 = hn::Zero(d);
    auto sum1 = hn::Zero(d);
    auto sum2 = hn::Zero(d);
    auto sum3 = hn::Zero(d);
    int64_t c = 0;
    for (; c + 4 * lanes <= whole; c += 4 * lanes) {
      for (int64_t line = 0; line < 4 * lanes; line += kLine) {
        hwy::Prefetch(row + c + line + kAhead);
      }
      sum0 = hn::MulAdd(LoadWeights(d, row + c), hn::LoadU(d, x + c), sum0);
      sum1 = hn::MulAdd(LoadWeights(d, row + c + lanes), hn::LoadU(d, x + c + lanes), sum1);
      sum2 = hn::MulAdd(LoadWeights(d, row + c + 2 * lanes), hn::LoadU(d, x + c + 2 * lanes), sum2);
      sum3 = hn::MulAdd(LoadWeights(d, row + c + 3 * lanes), hn::LoadU(d, x + c + 3 * lanes), sum3);
    }
    for (; c < whole; c += lanes) {
      sum0 = hn::MulAdd(LoadWeights(d, row + c), hn::LoadU(d, x + c), sum0);
    }
    const auto sums = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
    float sum = hn::GetLane(hn::SumOfLanes(d, sums));
    for (; c < w.cols; ++c) sum += WeightToFloat(row[c]) * x[c];
    y[r] = sum;
  }
}

void MatMulF32(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  const ConstMatrix matrix = Dense(reinterpret_cast<const float*>(w.data), w.rows, w.cols);
  if (x.rows == 1) {
    MatVec(matrix, x.values, y.data);
  } else {
    DotAll(1.0F, matrix, {x.values, x.rows, x.cols, x.stride}, y);
  }
}

// One token: as the rows lie. More: a panel of rows after the other to f32, and then as f32
// weights.
template <class T>
HWY_INLINE void MatMulOfHalves(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto halves = Dense(reinterpret_cast<const T*>(w.data), w.rows, w.cols);
  if (x.rows == 1) return MatVec(halves, x.values, y.data);
  thread_local std::vector<float> panel;
  panel.resize(static_cast<size_t>(kPanelRows * w.cols));
  for (int64_t begin = 0; begin < w.rows; begin += kPanelRows) {
    const int64_t end = std::min(begin + kPanelRows, w.rows);
    const int64_t count = (end - begin) * w.cols;
    const T* from = halves.Row(begin);
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      hn::StoreU(LoadWeights(d, from + i), d, panel.data() + i);
    }
    for (; i < count; ++i) panel[static_cast<size_t>(i)] = WeightToFloat(from[i]);
    DotAll(1.0F, Dense<const float>(panel.data(), end - begin, w.cols),
           {x.values, x.rows, x.cols, x.stride}, y.Columns(begin, end));
  }
}

void MatMulF16(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfHalves<hwy::float16_t>(w, x, y);
}
void MatMulBf16(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfHalves<uint16_t>(w, x, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

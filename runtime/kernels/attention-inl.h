// Attention kernels for one Highway target, but the scores, which are a matrix product
// (matmul-inl.h): included once per target by kernels.cc.
#if defined(DEEPTHIN_KERNELS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_ATTENTION_INL_H_
#undef DEEPTHIN_KERNELS_ATTENTION_INL_H_
#else
#define DEEPTHIN_KERNELS_ATTENTION_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "runtime/kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

float SoftmaxStep(float* scores, int64_t n, SoftmaxState* state) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = n - n % lanes;

  auto max_lanes = hn::Set(d, state->max);
  for (int64_t i = 0; i < whole; i += lanes) {
    max_lanes = hn::Max(max_lanes, hn::LoadU(d, scores + i));
  }
  float max = hn::GetLane(hn::MaxOfLanes(d, max_lanes));
  for (int64_t i = whole; i < n; ++i) max = std::max(max, scores[i]);

  const auto max_vector = hn::Set(d, max);
  auto sum_lanes = hn::Zero(d);
  for (int64_t i = 0; i < whole; i += lanes) {
    const auto e = hn::Exp(d, hn::Sub(hn::LoadU(d, scores + i), max_vector));
    hn::StoreU(e, d, scores + i);
    sum_lanes = hn::Add(sum_lanes, e);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, sum_lanes));
  for (int64_t i = whole; i < n; ++i) {
    scores[i] = std::exp(scores[i] - max);
    sum += scores[i];
  }
  const float scale = std::exp(state->max - max);
  *state = {.max = max, .sum = state->sum * scale + sum};
  return scale;
}

// kRows query rows x kVectors vectors of columns, in registers over all positions.
template <int kRows, int kVectors>
HWY_INLINE void ValueTile(ConstMatrix probs, ConstMatrix v, const float* scales, int64_t row,
                          int64_t col, MutableMatrix out) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V sums[kRows][kVectors];
  for (int i = 0; i < kRows; ++i) {
    const V scale = hn::Set(d, scales[row + i]);
    for (int j = 0; j < kVectors; ++j) {
      sums[i][j] = hn::Mul(scale, hn::LoadU(d, out.Row(row + i) + col + j * lanes));
    }
  }
  for (int64_t p = 0; p < v.rows; ++p) {
    V values[kVectors];
    for (int j = 0; j < kVectors; ++j) values[j] = hn::LoadU(d, v.Row(p) + col + j * lanes);
    for (int i = 0; i < kRows; ++i) {
      const V prob = hn::Set(d, probs.Row(row + i)[p]);
      for (int j = 0; j < kVectors; ++j) sums[i][j] = hn::MulAdd(prob, values[j], sums[i][j]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kVectors; ++j) {
      hn::StoreU(sums[i][j], d, out.Row(row + i) + col + j * lanes);
    }
  }
}

// All columns of kRows rows.
template <int kRows>
HWY_INLINE void ValueRows(ConstMatrix probs, ConstMatrix v, const float* scales, int64_t row,
                          MutableMatrix out) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  int64_t c = 0;
  for (; c + 4 * lanes <= out.cols; c += 4 * lanes) {
    ValueTile<kRows, 4>(probs, v, scales, row, c, out);
  }
  for (; c + lanes <= out.cols; c += lanes) ValueTile<kRows, 1>(probs, v, scales, row, c, out);
  for (; c < out.cols; ++c) {
    for (int64_t i = row; i < row + kRows; ++i) {
      float sum = scales[i] * out.Row(i)[c];
      for (int64_t p = 0; p < v.rows; ++p) sum += probs.Row(i)[p] * v.Row(p)[c];
      out.Row(i)[c] = sum;
    }
  }
}

void AttentionValues(ConstMatrix probs, ConstMatrix v, const float* scales, MutableMatrix out) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
  constexpr int kRows = 4;  // 16 sums, 4 values, 1 probability of 32 registers
#else
  constexpr int kRows = 2;  // 8 + 4 + 1 of 16
#endif
  int64_t i = 0;
  for (; i + kRows <= out.rows; i += kRows) ValueRows<kRows>(probs, v, scales, i, out);
  for (; i + 2 <= out.rows; i += 2) ValueRows<2>(probs, v, scales, i, out);
  if (i < out.rows) ValueRows<1>(probs, v, scales, i, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

// Attention kernels for one Highway target: included once per target by kernels.cc. Keys and values
// become f32 in the registers that they are loaded into.
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

#include "runtime/kernels/float_loads-inl.h"
#include "runtime/kernels/highway_targets.h"
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

// Tags and elements of a KvView. No vector is longer than a block of keys.
using FloatTag = hn::CappedTag<float, static_cast<size_t>(kKeyBlock)>;
using FloatVector = hn::Vec<FloatTag>;
inline constexpr int64_t kFloatLanes = static_cast<int64_t>(hn::MaxLanes(FloatTag()));
inline constexpr int kBlockVectors = static_cast<int>(kKeyBlock / kFloatLanes);
// Vectors of scores or values that are kept for each of kTileQueries rows at a time: 16 of 32
// registers, or 8 of 16. Two vectors of 8 floats are a cache line: no line is loaded twice.
#if DEEPTHIN_32_REGISTERS
inline constexpr int kTileVectors = 4;
#else
inline constexpr int kTileVectors = 2;
#endif
inline constexpr int kTileQueries = 4;

// Keys and values that come next, in time for one token, which reads them once. Into L2: much
// faster here than into L1 (docs/benchmarks.md). Of 8 to 32 KiB ahead 8 was a little slower.
inline constexpr int64_t kPrefetchBytes = 16384;
inline constexpr int kIntoL2 = 2;

// Also a prefetch. The address may lie behind the cache.
template <class T>
HWY_INLINE FloatVector LoadStreamed(const T* HWY_RESTRICT from) {
  __builtin_prefetch(reinterpret_cast<const char*>(from) + kPrefetchBytes, 0, kIntoL2);
  return LoadFloats(FloatTag(), from);
}

// Calls body with the elements of the view in their type.
template <class Body>
HWY_INLINE void WithElements(const KvView& view, const Body& body) {
  switch (view.dtype) {
    case Dtype::kF16:
      return body(reinterpret_cast<const hwy::float16_t*>(view.data));
    case Dtype::kInt8:
      return body(reinterpret_cast<const int8_t*>(view.data));
    default:
      return body(reinterpret_cast<const float*>(view.data));
  }
}

// Scores of kRows queries with kVectors vectors of positions from p on: one chain of fused
// multiply-adds over head_dim for each, whatever the tile.
template <int kRows, int kVectors, class T>
HWY_INLINE void ScoreTile(float scale, ConstMatrix q, const T* keys, const float* key_scales,
                          int64_t row, int64_t p, MutableMatrix scores) {
  const FloatTag d;
  const T* HWY_RESTRICT from[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    const int64_t block = p / kKeyBlock + v / kBlockVectors;
    from[v] = keys + block * q.cols * kKeyBlock + v % kBlockVectors * kFloatLanes;
  }
  FloatVector sums[kRows][kVectors];
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::Zero(d);
  }
  for (int64_t c = 0; c < q.cols; ++c) {
    FloatVector k[kVectors];
    for (int v = 0; v < kVectors; ++v) k[v] = LoadStreamed(from[v] + c * kKeyBlock);
    for (int i = 0; i < kRows; ++i) {
      const FloatVector query = hn::Set(d, q.Row(row + i)[c]);
      for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::MulAdd(query, k[v], sums[i][v]);
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    const int64_t at = p + v * kFloatLanes;
    FloatVector factor = hn::Set(d, scale);
    if (key_scales != nullptr) factor = hn::Mul(factor, hn::LoadU(d, key_scales + at));
    for (int i = 0; i < kRows; ++i) {
      hn::StoreU(hn::Mul(factor, sums[i][v]), d, scores.Row(row + i) + at);
    }
  }
}

template <int kRows, class T>
HWY_INLINE void ScoreRows(float scale, ConstMatrix q, const T* keys, const float* key_scales,
                          int64_t n, int64_t row, MutableMatrix scores) {
  constexpr int kVectors = kTileVectors > kBlockVectors ? kTileVectors : kBlockVectors;
  constexpr int64_t kTilePositions = kVectors * kFloatLanes;
  int64_t p = 0;
  for (; p + kTilePositions <= n; p += kTilePositions) {
    ScoreTile<kRows, kVectors>(scale, q, keys, key_scales, row, p, scores);
  }
  for (; p < n; p += kKeyBlock) {
    ScoreTile<kRows, kBlockVectors>(scale, q, keys, key_scales, row, p, scores);
  }
}

void AttentionScores(float scale, ConstMatrix q, const KvView& keys, int64_t n,
                     MutableMatrix scores) {
  WithElements(keys, [&](const auto* elements) HWY_ATTR {
    int64_t i = 0;
    for (; i + kTileQueries <= q.rows; i += kTileQueries) {
      ScoreRows<kTileQueries>(scale, q, elements, keys.scales, n, i, scores);
    }
    for (; i + 3 <= q.rows; i += 3) ScoreRows<3>(scale, q, elements, keys.scales, n, i, scores);
    for (; i < q.rows; ++i) ScoreRows<1>(scale, q, elements, keys.scales, n, i, scores);
  });
}

// kRows query rows x kVectors vectors of columns, in registers over all positions.
template <int kRows, int kVectors, class T>
HWY_INLINE void ValueTile(ConstMatrix probs, const T* values, const float* value_scales,
                          const float* scales, int64_t row, int64_t col, MutableMatrix out) {
  const FloatTag d;
  FloatVector sums[kRows][kVectors];
  for (int i = 0; i < kRows; ++i) {
    const FloatVector scale = hn::Set(d, scales[row + i]);
    for (int j = 0; j < kVectors; ++j) {
      sums[i][j] = hn::Mul(scale, hn::LoadU(d, out.Row(row + i) + col + j * kFloatLanes));
    }
  }
  for (int64_t p = 0; p < probs.cols; ++p) {
    const T* HWY_RESTRICT from = values + p * out.cols + col;
    const float value_scale = value_scales == nullptr ? 1.0F : value_scales[p];
    FloatVector v[kVectors];
    for (int j = 0; j < kVectors; ++j) v[j] = LoadStreamed(from + j * kFloatLanes);
    for (int i = 0; i < kRows; ++i) {
      const FloatVector prob = hn::Set(d, probs.Row(row + i)[p] * value_scale);
      for (int j = 0; j < kVectors; ++j) sums[i][j] = hn::MulAdd(prob, v[j], sums[i][j]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kVectors; ++j) {
      hn::StoreU(sums[i][j], d, out.Row(row + i) + col + j * kFloatLanes);
    }
  }
}

// All columns of kRows rows.
template <int kRows, class T>
HWY_INLINE void ValueRows(ConstMatrix probs, const T* values, const float* value_scales,
                          const float* scales, int64_t row, MutableMatrix out) {
  int64_t c = 0;
  for (; c + kTileVectors * kFloatLanes <= out.cols; c += kTileVectors * kFloatLanes) {
    ValueTile<kRows, kTileVectors>(probs, values, value_scales, scales, row, c, out);
  }
  for (; c + kFloatLanes <= out.cols; c += kFloatLanes) {
    ValueTile<kRows, 1>(probs, values, value_scales, scales, row, c, out);
  }
  for (; c < out.cols; ++c) {
    for (int64_t i = row; i < row + kRows; ++i) {
      float sum = scales[i] * out.Row(i)[c];
      for (int64_t p = 0; p < probs.cols; ++p) {
        const float value_scale = value_scales == nullptr ? 1.0F : value_scales[p];
        sum += probs.Row(i)[p] * value_scale * ToFloat(values[p * out.cols + c]);
      }
      out.Row(i)[c] = sum;
    }
  }
}

void AttentionValues(ConstMatrix probs, const KvView& values, const float* scales,
                     MutableMatrix out) {
  WithElements(values, [&](const auto* elements) HWY_ATTR {
    int64_t i = 0;
    for (; i + kTileQueries <= out.rows; i += kTileQueries) {
      ValueRows<kTileQueries>(probs, elements, values.scales, scales, i, out);
    }
    for (; i + 3 <= out.rows; i += 3) {
      ValueRows<3>(probs, elements, values.scales, scales, i, out);
    }
    for (; i < out.rows; ++i) ValueRows<1>(probs, elements, values.scales, scales, i, out);
  });
}

void ToF16(const float* x, int64_t n, uint16_t* out) {
  int64_t i = 0;
#if HWY_TARGET != HWY_SSSE3 && HWY_TARGET != HWY_SSE4  // Highway's replacement there truncates
  const FloatTag d;
  const hn::Rebind<hwy::float16_t, FloatTag> half;
  auto* to = reinterpret_cast<hwy::float16_t*>(out);
  for (; i + kFloatLanes <= n; i += kFloatLanes) {
    hn::StoreU(hn::DemoteTo(half, hn::LoadU(d, x + i)), half, to + i);
  }
#endif
  for (; i < n; ++i) out[i] = F16FromFloat(x[i]);
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

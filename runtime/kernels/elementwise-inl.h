// Normalisation, rotation and activation kernels for one Highway target: included once per target
// by kernels.cc. What is behind the last whole vector is done by plain loops.
#if defined(DEEPTHIN_KERNELS_ELEMENTWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_ELEMENTWISE_INL_H_
#undef DEEPTHIN_KERNELS_ELEMENTWISE_INL_H_
#else
#define DEEPTHIN_KERNELS_ELEMENTWISE_INL_H_
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

void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* out) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = n - n % lanes;
  auto squares = hn::Zero(d);
  for (int64_t i = 0; i < whole; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    squares = hn::MulAdd(v, v, squares);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, squares));
  for (int64_t i = whole; i < n; ++i) sum += x[i] * x[i];

  const float scale = 1.0F / std::sqrt(sum / static_cast<float>(n) + eps);
  const auto scale_vector = hn::Set(d, scale);
  for (int64_t i = 0; i < whole; i += lanes) {
    const auto scaled = hn::Mul(hn::LoadU(d, x + i), scale_vector);
    hn::StoreU(hn::Mul(scaled, hn::LoadU(d, weight + i)), d, out + i);
  }
  for (int64_t i = whole; i < n; ++i) out[i] = x[i] * scale * weight[i];
}

void Rope(MutableMatrix heads, const float* cos, const float* sin) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));  // even: a pair is never split
  const int64_t whole = heads.cols - heads.cols % lanes;
  for (int64_t h = 0; h < heads.rows; ++h) {
    float* HWY_RESTRICT row = heads.Row(h);
    for (int64_t i = 0; i < whole; i += lanes) {
      const auto v = hn::LoadU(d, row + i);
      const auto swapped = hn::Mul(hn::Shuffle2301(v), hn::LoadU(d, sin + i));
      hn::StoreU(hn::MulAdd(v, hn::LoadU(d, cos + i), swapped), d, row + i);
    }
    for (int64_t i = whole; i < heads.cols; i += 2) {
      const float a = row[i];
      const float b = row[i + 1];
      row[i] = a * cos[i] + b * sin[i];
      row[i + 1] = b * cos[i + 1] + a * sin[i + 1];
    }
  }
}

// 1 / (1 + exp(-x)). Clamped where exp would leave the range of f32: there the result is 0 or 1 to
// within 1e-38.
template <class D, class V>
HWY_INLINE V Sigmoid(D d, V x) {
  const V clamped = hn::Min(hn::Max(hn::Neg(x), hn::Set(d, -88.0F)), hn::Set(d, 88.0F));
  const V one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, hn::Exp(d, clamped)));
}

HWY_INLINE float Sigmoid(float x) {
  return 1.0F / (1.0F + std::exp(std::clamp(-x, -88.0F, 88.0F)));
}

void SwiGlu(float* gate, const float* up, int64_t n) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto g = hn::LoadU(d, gate + i);
    hn::StoreU(hn::Mul(hn::Mul(g, Sigmoid(d, g)), hn::LoadU(d, up + i)), d, gate + i);
  }
  for (; i < n; ++i) gate[i] = gate[i] * Sigmoid(gate[i]) * up[i];
}

// gelu(x) = x (1 + tanh(u)) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
void Gelu(float* x, int64_t n) {
  constexpr float kLinear = 1.5957691216057308F;  // 2 sqrt(2 / pi)
  constexpr float kCubic = kLinear * 0.044715F;
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    const auto square = hn::Mul(v, v);
    const auto factor = hn::MulAdd(hn::Set(d, kCubic), square, hn::Set(d, kLinear));
    hn::StoreU(hn::Mul(v, Sigmoid(d, hn::Mul(v, factor))), d, x + i);
  }
  for (; i < n; ++i) x[i] = x[i] * Sigmoid(x[i] * (kCubic * x[i] * x[i] + kLinear));
}

void Relu(float* x, int64_t n) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::Max(hn::LoadU(d, x + i), hn::Zero(d)), d, x + i);
  }
  for (; i < n; ++i) x[i] = std::max(x[i], 0.0F);
}

void Axpy(float a, const float* x, int64_t n, float* y) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, a);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, y + i);
  }
  for (; i < n; ++i) y[i] += a * x[i];
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

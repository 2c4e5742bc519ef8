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

// x[i] = op(x[i], y[i]). What is behind the last whole vector goes through the same instructions in
// a buffer: a result must not depend on where a range of elements begins or ends.
template <class Op>
HWY_INLINE void Transform(float* x, const float* y, int64_t n, const Op& op) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(op(d, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, x + i);
  }
  if (i == n) return;
  float x_tail[HWY_MAX_BYTES / sizeof(float)] = {};
  float y_tail[HWY_MAX_BYTES / sizeof(float)] = {};
  std::copy(x + i, x + n, x_tail);
  std::copy(y + i, y + n, y_tail);
  hn::StoreU(op(d, hn::LoadU(d, x_tail), hn::LoadU(d, y_tail)), d, x_tail);
  std::copy_n(x_tail, n - i, x + i);
}

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

struct SwiGluOp {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V gate, V up) const {
    return hn::Mul(hn::Mul(gate, Sigmoid(d, gate)), up);
  }
};

// gelu(x) = x (1 + tanh(u)) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
struct GeluOp {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V) const {
    constexpr float kLinear = 1.5957691216057308F;  // 2 sqrt(2 / pi)
    const V factor =
        hn::MulAdd(hn::Set(d, kLinear * 0.044715F), hn::Mul(x, x), hn::Set(d, kLinear));
    return hn::Mul(x, Sigmoid(d, hn::Mul(x, factor)));
  }
};

struct ReluOp {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V) const {
    return hn::Max(x, hn::Zero(d));
  }
};

struct AxpyOp {
  float a;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V x) const {
    return hn::MulAdd(hn::Set(d, a), x, y);
  }
};

void SwiGlu(float* gate, const float* up, int64_t n) { Transform(gate, up, n, SwiGluOp()); }
void Gelu(float* x, int64_t n) { Transform(x, x, n, GeluOp()); }
void Relu(float* x, int64_t n) { Transform(x, x, n, ReluOp()); }
void Axpy(float a, const float* x, int64_t n, float* y) { Transform(y, x, n, AxpyOp{a}); }

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

// What lies between the trainer's products, for one Highway target: included once per target by
// training_kernels.cc. What is behind the last whole vector goes through the same instructions in
// buffers.
#if defined(DEEPTHIN_KERNELS_TRAINING_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_TRAINING_ROWS_INL_H_
#undef DEEPTHIN_KERNELS_TRAINING_ROWS_INL_H_
#else
#define DEEPTHIN_KERNELS_TRAINING_ROWS_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/kernels/highway_targets.h"
#include "runtime/kernels/training_reference.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using RowTag = hn::ScalableTag<float>;
using RowVector = hn::Vec<RowTag>;

// A vector from memory, or the n elements that are there, and `fill` behind them.
HWY_INLINE RowVector LoadSome(const float* from, int64_t n, float fill = 0) {
  const RowTag d;
  if (n >= static_cast<int64_t>(hn::Lanes(d))) return hn::LoadU(d, from);
  HWY_ALIGN float some[hn::MaxLanes(RowTag())];
  hn::Store(hn::Set(d, fill), d, some);
  std::copy_n(from, n, some);
  return hn::Load(d, some);
}

HWY_INLINE void StoreSome(RowVector v, int64_t n, float* to) {
  const RowTag d;
  if (n >= static_cast<int64_t>(hn::Lanes(d))) return hn::StoreU(v, d, to);
  HWY_ALIGN float some[hn::MaxLanes(RowTag())];
  hn::Store(v, d, some);
  std::copy_n(some, n, to);
}

HWY_INLINE int64_t RowLanes() { return static_cast<int64_t>(hn::Lanes(RowTag())); }

HWY_INLINE float VectorInverseRms(const float* x, int64_t n, float eps) {
  const RowTag d;
  auto squares = hn::Zero(d);
  for (int64_t i = 0; i < n; i += RowLanes()) {
    const auto v = LoadSome(x + i, n - i);
    squares = hn::MulAdd(v, v, squares);
  }
  const float sum = hn::GetLane(hn::SumOfLanes(d, squares));
  return 1.0F / std::sqrt(sum / static_cast<float>(n) + eps);
}

void NormRow(const float* x, const float* g, int64_t n, float eps, float* y) {
  const RowTag d;
  const auto r = hn::Set(d, VectorInverseRms(x, n, eps));
  for (int64_t i = 0; i < n; i += RowLanes()) {
    const auto scaled = hn::Mul(LoadSome(x + i, n - i), r);
    StoreSome(hn::Mul(scaled, LoadSome(g + i, n - i)), n - i, y + i);
  }
}

void NormGradientRow(const float* x, const float* g, const float* dy, int64_t n, float eps,
                     float* dx, float* dg) {
  const RowTag d;
  const float r = VectorInverseRms(x, n, eps);
  auto dots = hn::Zero(d);
  for (int64_t i = 0; i < n; i += RowLanes()) {
    const auto scaled = hn::Mul(LoadSome(g + i, n - i), LoadSome(dy + i, n - i));
    dots = hn::MulAdd(scaled, LoadSome(x + i, n - i), dots);
  }
  const float dot = hn::GetLane(hn::SumOfLanes(d, dots));
  const auto along = hn::Set(d, -r * r * r * dot / static_cast<float>(n));
  const auto factor = hn::Set(d, r);
  for (int64_t i = 0; i < n; i += RowLanes()) {
    const int64_t left = n - i;
    const auto in = LoadSome(x + i, left);
    const auto grown = hn::Mul(factor, LoadSome(dy + i, left));
    const auto sum = hn::MulAdd(grown, LoadSome(g + i, left), LoadSome(dx + i, left));
    StoreSome(hn::MulAdd(along, in, sum), left, dx + i);
    StoreSome(hn::MulAdd(grown, in, LoadSome(dg + i, left)), left, dg + i);
  }
}

struct CurveVectors {
  RowVector value;
  RowVector slope;
};

// 1 / (1 + exp(-x)). Clamped where exp would leave the range of f32.
HWY_INLINE RowVector SigmoidOf(RowVector x) {
  const RowTag d;
  const auto clamped = hn::Min(hn::Max(hn::Neg(x), hn::Set(d, -88.0F)), hn::Set(d, 88.0F));
  const auto one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, hn::Exp(d, clamped)));
}

struct SiluCurve {
  HWY_INLINE CurveVectors operator()(RowVector x) const {
    const auto one = hn::Set(RowTag(), 1.0F);
    const auto s = SigmoidOf(x);
    return {hn::Mul(x, s), hn::Mul(s, hn::MulAdd(x, hn::Sub(one, s), one))};
  }
};

// gelu(x) = x s with s = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3); so its slope is
// s + x s (1 - s) 2 u'.
struct GeluCurve {
  HWY_INLINE CurveVectors operator()(RowVector x) const {
    const RowTag d;
    constexpr float kLinear = 1.5957691216057308F;  // 2 sqrt(2 / pi)
    const auto linear = hn::Set(d, kLinear);
    const auto square = hn::Mul(x, x);
    const auto s =
        SigmoidOf(hn::Mul(x, hn::MulAdd(hn::Set(d, kLinear * 0.044715F), square, linear)));
    const auto inner = hn::MulAdd(hn::Set(d, 3 * kLinear * 0.044715F), square, linear);
    const auto rest = hn::Mul(hn::Mul(x, hn::Sub(hn::Set(d, 1.0F), s)), inner);
    return {hn::Mul(x, s), hn::MulAdd(s, rest, s)};
  }
};

struct ReluCurve {
  HWY_INLINE CurveVectors operator()(RowVector x) const {
    const RowTag d;
    const auto zero = hn::Zero(d);
    return {hn::Max(x, zero), hn::IfThenElse(hn::Gt(x, zero), hn::Set(d, 1.0F), zero)};
  }
};

template <bool kGated, class CurveType>
HWY_INLINE void ActivateRow(const CurveType& curve_of, const float* gate, int64_t n,
                            float* hidden) {
  for (int64_t i = 0; i < n; i += RowLanes()) {
    auto value = curve_of(LoadSome(gate + i, n - i)).value;
    if constexpr (kGated) value = hn::Mul(value, LoadSome(gate + n + i, n - i));
    StoreSome(value, n - i, hidden + i);
  }
}

void ActivationRow(Ffn ffn, const float* gate, int64_t n, float* hidden) {
  switch (ffn) {
    case Ffn::kSwiglu:
      return ActivateRow<true>(SiluCurve(), gate, n, hidden);
    case Ffn::kGelu:
      return ActivateRow<false>(GeluCurve(), gate, n, hidden);
    case Ffn::kRelu:
      return ActivateRow<false>(ReluCurve(), gate, n, hidden);
  }
}

template <bool kGated, class CurveType>
HWY_INLINE void ActivateRowBack(const CurveType& curve_of, const float* gate, const float* dhidden,
                                int64_t n, float* hidden, float* dgate) {
  for (int64_t i = 0; i < n; i += RowLanes()) {
    const int64_t left = n - i;
    const CurveVectors curve = curve_of(LoadSome(gate + i, left));
    const auto dh = LoadSome(dhidden + i, left);
    if constexpr (kGated) {
      const auto up = LoadSome(gate + n + i, left);
      StoreSome(hn::Mul(curve.value, up), left, hidden + i);
      StoreSome(hn::Mul(hn::Mul(dh, up), curve.slope), left, dgate + i);
      StoreSome(hn::Mul(dh, curve.value), left, dgate + n + i);
    } else {
      StoreSome(curve.value, left, hidden + i);
      StoreSome(hn::Mul(dh, curve.slope), left, dgate + i);
    }
  }
}

void ActivationGradientRow(Ffn ffn, const float* gate, const float* dhidden, int64_t n,
                           float* hidden, float* dgate) {
  switch (ffn) {
    case Ffn::kSwiglu:
      return ActivateRowBack<true>(SiluCurve(), gate, dhidden, n, hidden, dgate);
    case Ffn::kGelu:
      return ActivateRowBack<false>(GeluCurve(), gate, dhidden, n, hidden, dgate);
    case Ffn::kRelu:
      return ActivateRowBack<false>(ReluCurve(), gate, dhidden, n, hidden, dgate);
  }
}

// The greatest of n elements; NaN is not looked for.
HWY_INLINE float GreatestOf(const float* row, int64_t n) {
  const RowTag d;
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  auto greatest = hn::Set(d, kLowest);
  for (int64_t i = 0; i < n; i += RowLanes()) {
    greatest = hn::Max(greatest, LoadSome(row + i, n - i, kLowest));
  }
  return hn::GetLane(hn::MaxOfLanes(d, greatest));
}

// Lanes of a vector at position j that are before `end`; the others become zero.
HWY_INLINE RowVector ZeroFrom(RowVector v, int64_t j, int64_t end) {
  const RowTag d;
  if (j + RowLanes() <= end) return v;
  return hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(std::max<int64_t>(end - j, 0))), v);
}

// The greatest of the first `seen` of a padded row.
HWY_INLINE float GreatestOfPadded(const float* row, int64_t seen) {
  const RowTag d;
  const auto lowest = hn::Set(d, std::numeric_limits<float>::lowest());
  auto greatest = lowest;
  int64_t j = 0;
  for (; j + RowLanes() <= seen; j += RowLanes()) {
    greatest = hn::Max(greatest, hn::LoadU(d, row + j));
  }
  if (j < seen) {
    const auto there = hn::FirstN(d, static_cast<size_t>(seen - j));
    greatest = hn::Max(greatest, hn::IfThenElse(there, hn::LoadU(d, row + j), lowest));
  }
  return hn::GetLane(hn::MaxOfLanes(d, greatest));
}

float SoftmaxRow(float* row, int64_t seen, int64_t n, float scale) {
  const RowTag d;
  const float greatest = GreatestOfPadded(row, seen);
  const auto factor = hn::Set(d, scale);
  const auto offset = hn::Set(d, -scale * greatest);
  auto sums = hn::Zero(d);
  for (int64_t j = 0; j < n; j += RowLanes()) {  // rows are padded
    auto e = hn::Zero(d);
    if (j < seen)
      e = ZeroFrom(hn::Exp(d, hn::MulAdd(factor, hn::LoadU(d, row + j), offset)), j, seen);
    hn::StoreU(e, d, row + j);
    sums = hn::Add(sums, e);
  }
  const float sum = hn::GetLane(hn::SumOfLanes(d, sums));
  const auto share = hn::Set(d, 1.0F / sum);
  for (int64_t j = 0; j < seen; j += RowLanes()) {
    hn::StoreU(hn::Mul(hn::LoadU(d, row + j), share), d, row + j);
  }
  return scale * greatest + std::log(sum);
}

void ScoreGradientRow(float* p, float* ds, int64_t seen, int64_t n, float scale, float log_sum,
                      float row_sum) {
  const RowTag d;
  const auto factor = hn::Set(d, scale);
  const auto offset = hn::Set(d, -log_sum);
  const auto sum = hn::Set(d, row_sum);
  for (int64_t j = 0; j < n; j += RowLanes()) {
    auto weight = hn::Zero(d);
    auto dscore = hn::Zero(d);
    if (j < seen) {
      weight = ZeroFrom(hn::Exp(d, hn::MulAdd(factor, hn::LoadU(d, p + j), offset)), j, seen);
      const auto along = hn::Sub(hn::LoadU(d, ds + j), sum);
      dscore = ZeroFrom(hn::Mul(hn::Mul(factor, weight), along), j, seen);
    }
    hn::StoreU(weight, d, p + j);
    hn::StoreU(dscore, d, ds + j);
  }
}

float CrossEntropyRow(float* row, int64_t n, int64_t target, float scale) {
  const RowTag d;
  const float greatest = GreatestOf(row, n);
  const float of_target = row[target];
  const auto offset = hn::Set(d, -greatest);
  auto sums = hn::Zero(d);
  for (int64_t i = 0; i < n; i += RowLanes()) {
    const auto e = hn::Exp(d, hn::Add(LoadSome(row + i, n - i), offset));
    sums = hn::Add(sums, ZeroFrom(e, i, n));
    if (scale != 0) StoreSome(e, n - i, row + i);
  }
  const float sum = hn::GetLane(hn::SumOfLanes(d, sums));
  const float loss = greatest + std::log(sum) - of_target;
  if (scale == 0) return loss;
  const auto share = hn::Set(d, scale / sum);
  for (int64_t i = 0; i < n; i += RowLanes()) {
    StoreSome(hn::Mul(LoadSome(row + i, n - i), share), n - i, row + i);
  }
  row[target] -= scale;
  return loss;
}

void AdamWStep(const AdamWFactors<float>& f, const float* gradient, int64_t n, float* parameters,
               float* mean, float* variance) {
  const RowTag d;
  for (int64_t i = 0; i < n; i += RowLanes()) {
    const int64_t left = n - i;
    const auto g = hn::Mul(hn::Set(d, f.gradient_scale), LoadSome(gradient + i, left));
    const auto m =
        hn::MulAdd(hn::Set(d, f.beta1), LoadSome(mean + i, left), hn::Mul(hn::Set(d, f.fresh1), g));
    const auto v = hn::MulAdd(hn::Set(d, f.beta2), LoadSome(variance + i, left),
                              hn::Mul(hn::Mul(hn::Set(d, f.fresh2), g), g));
    const auto root = hn::Div(hn::Sqrt(v), hn::Set(d, f.root_bias2));
    const auto step = hn::Div(hn::Mul(hn::Set(d, f.rate), m), hn::Add(root, hn::Set(d, f.epsilon)));
    const auto kept = hn::Mul(hn::Set(d, f.keep), LoadSome(parameters + i, left));
    StoreSome(m, left, mean + i);
    StoreSome(v, left, variance + i);
    StoreSome(hn::Sub(kept, step), left, parameters + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

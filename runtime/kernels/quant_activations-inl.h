// Activations to int8, for one Highway target: included once per target by kernels.cc. The same
// bits as the scalar twins: one division each, one product and one rounding per number.
#if defined(DEEPTHIN_KERNELS_QUANT_ACTIVATIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_QUANT_ACTIVATIONS_INL_H_
#undef DEEPTHIN_KERNELS_QUANT_ACTIVATIONS_INL_H_
#else
#define DEEPTHIN_KERNELS_QUANT_ACTIVATIONS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "runtime/kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The largest magnitude of n numbers, n a multiple of kGroup.
HWY_INLINE float LargestMagnitude(const float* x, int64_t n) {
  const hn::CappedTag<float, kGroup / 2> d;  // two chains in a group
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto max0 = hn::Zero(d);
  auto max1 = hn::Zero(d);
  for (int64_t i = 0; i < n; i += 2 * lanes) {
    max0 = hn::Max(max0, hn::Abs(hn::LoadU(d, x + i)));
    max1 = hn::Max(max1, hn::Abs(hn::LoadU(d, x + i + lanes)));
  }
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1)));
}

// n numbers, n a multiple of kGroup, in units of a scale: its inverse is given.
HWY_INLINE void ToInt8(const float* x, int64_t n, float inverse, int8_t* quantized) {
  const hn::CappedTag<float, kGroup> d;
  const hn::Rebind<int8_t, decltype(d)> d8;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, inverse);
  const auto limit = hn::Set(d, 127.0F);
  for (int64_t i = 0; i < n; i += lanes) {
    const auto scaled = hn::Mul(hn::LoadU(d, x + i), factor);
    const auto clamped = hn::Max(hn::Min(scaled, limit), hn::Neg(limit));
    hn::StoreU(hn::DemoteTo(d8, hn::NearestInt(clamped)), d8, quantized + i);
  }
}

HWY_INLINE float InverseOfScale(float amax) { return amax == 0 ? 0.0F : 127.0F / amax; }

// The last n % kGroup numbers, filled up with zeros.
struct LastGroup {
  HWY_INLINE LastGroup(const float* x, int64_t n) {
    std::copy(x, x + n, values);
    std::fill(values + n, values + kGroup, 0.0F);
  }
  alignas(64) float values[kGroup];
};

HWY_INLINE void QuantizeOneGroup(const float* x, int8_t* quantized, float* scale) {
  const float amax = LargestMagnitude(x, kGroup);
  *scale = amax / 127.0F;
  ToInt8(x, kGroup, InverseOfScale(amax), quantized);
}

void QuantizeGroups(const float* x, int64_t n, int8_t* quantized, float* scales) {
  const int64_t whole = n - n % kGroup;
  for (int64_t i = 0; i < whole; i += kGroup) {
    QuantizeOneGroup(x + i, quantized + i, scales + i / kGroup);
  }
  int64_t filled = whole;
  if (whole < n) {
    const LastGroup last(x + whole, n - whole);
    QuantizeOneGroup(last.values, quantized + whole, scales + whole / kGroup);
    filled += kGroup;
  }
  std::fill(quantized + filled, quantized + PaddedCols(n), int8_t{0});
}

void QuantizeRow(const float* x, int64_t n, int8_t* quantized, float* scales) {
  const int64_t whole = n - n % kGroup;
  const LastGroup last(x + whole, n - whole);
  const float amax = std::max(LargestMagnitude(x, whole), LargestMagnitude(last.values, kGroup));
  *scales = amax / 127.0F;
  const float inverse = InverseOfScale(amax);
  ToInt8(x, whole, inverse, quantized);
  int64_t filled = whole;
  if (whole < n) {
    ToInt8(last.values, kGroup, inverse, quantized + whole);
    filled += kGroup;
  }
  std::fill(quantized + filled, quantized + PaddedCols(n), int8_t{0});
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

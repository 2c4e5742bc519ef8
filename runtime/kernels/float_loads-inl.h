// Numbers in f32, f16, bf16 and int8 as f32, for one Highway target: included once per target.
#if defined(DEEPTHIN_KERNELS_FLOAT_LOADS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_FLOAT_LOADS_INL_H_
#undef DEEPTHIN_KERNELS_FLOAT_LOADS_INL_H_
#else
#define DEEPTHIN_KERNELS_FLOAT_LOADS_INL_H_
#endif

#include <hwy/highway.h>

#include "runtime/kernels/float16.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A vector of f32. Two bytes are a bf16 where they are a uint16_t.
template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const float* from) {
  return hn::LoadU(d, from);
}
template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const hwy::float16_t* from) {
  const hn::Rebind<hwy::float16_t, D> half;
  return hn::PromoteTo(d, hn::LoadU(half, from));
}
template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const uint16_t* from) {
  const hn::Rebind<uint16_t, D> half;
  const hn::Rebind<uint32_t, D> bits;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(bits, hn::LoadU(half, from))));
}
template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const int8_t* from) {
  const hn::Rebind<int8_t, D> bytes;
  const hn::Rebind<int32_t, D> ints;
  return hn::ConvertTo(d, hn::PromoteTo(ints, hn::LoadU(bytes, from)));
}

HWY_INLINE float ToFloat(float x) { return x; }
HWY_INLINE float ToFloat(hwy::float16_t x) {  // a class on some targets, a number on others
  uint16_t bits = 0;
  hwy::CopyBytes<sizeof(bits)>(&x, &bits);
  return FloatFromF16(bits);
}
HWY_INLINE float ToFloat(uint16_t x) { return FloatFromBf16(x); }
HWY_INLINE float ToFloat(int8_t x) { return static_cast<float>(x); }

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

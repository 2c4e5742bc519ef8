// The product of one token with Q4_0 weights on x86 from AVX2 on, included by
// quant_products-inl.h: vpmaddubsw multiplies the unsigned nibbles as they are, 32 in an
// instruction, for which Highway 1.0 has no name. A sum of four products fits int16.
#if defined(DEEPTHIN_KERNELS_QUANT_NIBBLES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_QUANT_NIBBLES_INL_H_
#undef DEEPTHIN_KERNELS_QUANT_NIBBLES_INL_H_
#else
#define DEEPTHIN_KERNELS_QUANT_NIBBLES_INL_H_
#endif

#include <hwy/highway.h>

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "runtime/kernels/kernels.h"
#include "runtime/kernels/thread_scratch.h"
#include "runtime/kernels/weight_prefetch.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {

inline constexpr int kNibbleRows = 4;  // side by side: they share the loads of activations
// How far behind them the next rows are prefetched, into L2, in the order in which they lie.
inline constexpr int64_t kNibblePrefetchBytes = 8192;

// Activations of two groups; zeros where there is no second one.
struct alignas(32) NibbleStep {
  int8_t low[32];          // columns 0 to 15 of each
  int8_t high[32];         // columns 16 to 31
  int32_t corrections[8];  // for the 8 that a nibble is too large by
  float scales[8];
};

HWY_INLINE __m128i Load16(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
HWY_INLINE __m256i Load32(const void* p) {
  return _mm256_load_si256(static_cast<const __m256i*>(p));
}

// Sums of four products of unsigned and signed bytes, in int32.
HWY_INLINE __m256i NibbleSums(__m256i low, __m256i high, const NibbleStep& step) {
  const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(low, Load32(step.low)),
                                         _mm256_maddubs_epi16(high, Load32(step.high)));
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

HWY_INLINE const NibbleStep* NibbleSteps(const ActivationView& x, int64_t groups) {
  auto* steps = ThreadScratch<NibbleStep>(ScratchUse::kActivations, (groups + 1) / 2);
  for (int64_t begin = 0; begin < groups; begin += 2) {
    NibbleStep& step = steps[begin / 2];
    for (int64_t i = 0; i < 2; ++i) {  // behind the last group, x is filled up with zeros
      const int8_t* group = x.quantized + (begin + i) * kGroup;
      std::memcpy(step.low + 16 * i, group, 16);
      std::memcpy(step.high + 16 * i, group + 16, 16);
      std::fill(step.scales + 4 * i, step.scales + 4 * i + 4,
                begin + i < groups ? x.scales[begin + i] : 0.0F);
    }
    const __m256i eight = _mm256_set1_epi8(8);
    const __m256i excess = NibbleSums(eight, eight, step);
    _mm256_store_si256(reinterpret_cast<__m256i*>(step.corrections),
                       _mm256_sub_epi32(_mm256_setzero_si256(), excess));
  }
  return steps;
}

HWY_INLINE __m128i ScaleBits(const Q4Group& group) {
  int16_t bits = 0;
  std::memcpy(&bits, group.scale, sizeof(bits));
  return _mm_set1_epi16(bits);
}

HWY_INLINE __m256 AddGroups(const Q4Group& a, const Q4Group& b, const NibbleStep& step,
                            __m256 total) {
  const __m256i both =
      _mm256_inserti128_si256(_mm256_castsi128_si256(Load16(a.values)), Load16(b.values), 1);
  const __m256i nibble = _mm256_set1_epi8(0xf);
  const __m256i low = _mm256_and_si256(both, nibble);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(both, 4), nibble);
  const __m256i sums = _mm256_add_epi32(NibbleSums(low, high, step), Load32(step.corrections));
  const __m256 w_scales = _mm256_cvtph_ps(_mm_unpacklo_epi64(ScaleBits(a), ScaleBits(b)));
  const __m256 scales = _mm256_mul_ps(w_scales, _mm256_load_ps(step.scales));
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), scales, total);
}

// The sums of all lanes of each row; every row's in the same order.
HWY_INLINE __m128 SumsOfRows(const __m256 (&rows)[kNibbleRows]) {
  const __m256 sums =
      _mm256_hadd_ps(_mm256_hadd_ps(rows[0], rows[1]), _mm256_hadd_ps(rows[2], rows[3]));
  return _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
}

HWY_INLINE void MatVecOfNibbles(const WeightMatrix& w, const ActivationView& x, float* y) {
  const int64_t groups = (w.cols + kGroup - 1) / kGroup;
  const NibbleStep* steps = NibbleSteps(x, groups);
  for (int64_t first = 0; first < w.rows; first += kNibbleRows) {
    const Q4Group* rows[kNibbleRows];
    for (int64_t r = 0; r < kNibbleRows; ++r) {  // the last row stands for those that are missing
      rows[r] = reinterpret_cast<const Q4Group*>(w.Row(std::min(first + r, w.rows - 1)));
    }
    PrefetchPagesBehind(rows[0], kNibbleRows * w.row_bytes());
    __m256 totals[kNibbleRows];
    for (auto& total : totals) total = _mm256_setzero_ps();
    const std::byte* ahead = w.Row(first + kNibbleRows) + kNibblePrefetchBytes;
    int64_t g = 0;
    for (; g + 2 <= groups; g += 2) {
      for (int r = 0; r < kNibbleRows; ++r) {
        if (r % 2 == 0) {  // 72 bytes of all that are read
          _mm_prefetch(ahead, _MM_HINT_T1);
          _mm_prefetch(ahead + 4 * sizeof(Q4Group) - 1, _MM_HINT_T1);
          ahead += 4 * sizeof(Q4Group);
        }
        totals[r] = AddGroups(rows[r][g], rows[r][g + 1], steps[g / 2], totals[r]);
      }
    }
    for (int r = 0; g < groups && r < kNibbleRows; ++r) {
      totals[r] = AddGroups(rows[r][g], rows[r][g], steps[g / 2], totals[r]);
    }
    alignas(16) float sums[kNibbleRows];
    _mm_store_ps(sums, SumsOfRows(totals));
    std::copy(sums, sums + std::min<int64_t>(kNibbleRows, w.rows - first), y + first);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // AVX2
#endif  // per target

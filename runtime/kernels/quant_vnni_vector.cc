// Products of one token, by AVX-512 VNNI. Lanes are columns; rows are read as they lie in memory, a
// few of them side by side, which are one stretch of it.
#include "runtime/kernels/quant_vnni.h"

#if defined(__x86_64__)
// GCC 12 takes the undefined operands of its own intrinsics for a mistake (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include <algorithm>

#include "runtime/kernels/thread_scratch.h"
#include "runtime/kernels/weight_prefetch.h"

#define DEEPTHIN_VNNI \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c")))
#define DEEPTHIN_VNNI_INLINE DEEPTHIN_VNNI inline __attribute__((always_inline))

namespace deepthin::runtime::vnni {
namespace {

constexpr int64_t kRows = 4;  // side by side: they share the loads of activations and the last sums
// How far behind the rows side by side the next ones are prefetched, in the order in which they lie
// in memory: groups into L2, int8 past it. Found on Zen 4: as several streams, row by row, or
// without it, one token falls to a half of what a reading loop reaches. Past L2, int8 rows were no
// faster from DRAM; a decoder's tokens were (165 to about 190 a second, best of noisy runs).
constexpr int64_t kPrefetchBytes = 16384;
constexpr int64_t kInt8PrefetchBytes = 4096;

// The lines of the kBytes bytes from p on.
template <int64_t kBytes, int kHint>
DEEPTHIN_VNNI_INLINE void Prefetch(const std::byte* p) {
  constexpr auto kTypedHint = static_cast<decltype(_MM_HINT_T1)>(kHint);  // an enum in GCC alone
  for (int64_t i = 0; i < kBytes; i += 64) _mm_prefetch(p + i, kTypedHint);
  if (kBytes % 64 != 0) _mm_prefetch(p + kBytes - 1, kTypedHint);
}

DEEPTHIN_VNNI_INLINE __m128i Add4(__m512i sums) {
  const __m256i half =
      _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

DEEPTHIN_VNNI_INLINE __m128 Add4(__m512 sums) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(sums), _mm512_extractf32x8_ps(sums, 1));
  return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

// The sums of all lanes of each row; every row's in the same order.
DEEPTHIN_VNNI_INLINE __m128 SumsOfRows(const __m512 (&rows)[kRows]) {
  __m128 a = Add4(rows[0]);
  __m128 b = Add4(rows[1]);
  __m128 c = Add4(rows[2]);
  __m128 d = Add4(rows[3]);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  return _mm_add_ps(_mm_add_ps(a, b), _mm_add_ps(c, d));
}

DEEPTHIN_VNNI_INLINE __m128i SumsOfRows(const __m512i (&rows)[kRows]) {
  const __m128i a = _mm_hadd_epi32(Add4(rows[0]), Add4(rows[1]));
  const __m128i b = _mm_hadd_epi32(Add4(rows[2]), Add4(rows[3]));
  return _mm_hadd_epi32(a, b);
}

// Rows `first` to first + 3; the last one again for those that are missing.
DEEPTHIN_VNNI_INLINE void PointAtRows(const WeightMatrix& w, int64_t first,
                                      const std::byte* (&rows)[kRows]) {
  for (int64_t i = 0; i < kRows; ++i) rows[i] = w.Row(std::min(first + i, w.rows - 1));
}

// Of kRows rows, those that there are.
DEEPTHIN_VNNI_INLINE __mmask8 MaskOfRows(int64_t rows) {
  return static_cast<__mmask8>(rows < kRows ? (1 << rows) - 1 : (1 << kRows) - 1);
}

// ---- Groups: a step is two of them ----

// Activations of a step; zeros where there is no second group. Q8_0 fills a vector of 64 bytes,
// Q4_0 one of 32 twice, which on Zen 4 is faster than four groups in a vector of 64.
struct alignas(64) Q8Step {
  using Total = __m512;
  int8_t x[64];
  int32_t corrections[16];
  float scales[16];
};
struct alignas(32) Q4Step {
  using Total = __m256;
  int8_t low[32];   // columns 0 to 15 of each group
  int8_t high[32];  // columns 16 to 31
  int32_t corrections[8];
  float scales[8];
};

DEEPTHIN_VNNI_INLINE __m512i Load(const void* p) { return _mm512_loadu_si512(p); }
DEEPTHIN_VNNI_INLINE __m128i Load16(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
DEEPTHIN_VNNI_INLINE __m256i Load32(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

DEEPTHIN_VNNI_INLINE __m256i LoadAligned32(const void* p) {
  return _mm256_load_si256(static_cast<const __m256i*>(p));
}

// The scales of two groups from g on, the second zero where it is not there.
DEEPTHIN_VNNI_INLINE void ScalesOfStep(const ActivationView& x, int64_t g, int64_t groups,
                                       float* first, float* second, int64_t n) {
  const __m512 zero = _mm512_setzero_ps();
  const __m512 scale = g + 1 < groups ? _mm512_set1_ps(x.scales[g + 1]) : zero;
  const auto mask = static_cast<__mmask16>((1U << n) - 1);
  _mm512_mask_storeu_ps(first, mask, _mm512_set1_ps(x.scales[g]));
  _mm512_mask_storeu_ps(second, mask, scale);
}

DEEPTHIN_VNNI_INLINE void Prepare(const ActivationView& x, int64_t groups, Q8Step* steps) {
  const __m512i offset = _mm512_set1_epi8(static_cast<char>(kByteOffset));
  for (int64_t g = 0; g < groups; g += 2) {
    Q8Step& step = steps[g / 2];
    const __m512i values = Load(x.quantized + g * kGroup);
    const __m512i excess = _mm512_dpbusd_epi32(_mm512_setzero_si512(), offset, values);
    _mm512_store_si512(step.x, values);
    _mm512_store_si512(step.corrections, _mm512_sub_epi32(_mm512_setzero_si512(), excess));
    ScalesOfStep(x, g, groups, step.scales, step.scales + 8, 8);
  }
}

DEEPTHIN_VNNI_INLINE void Prepare(const ActivationView& x, int64_t groups, Q4Step* steps) {
  const __m512i offset = _mm512_set1_epi8(kNibbleOffset);
  for (int64_t g = 0; g < groups; g += 2) {  // behind the last group, x is filled up with zeros
    Q4Step& step = steps[g / 2];
    const __m512i values = Load(x.quantized + g * kGroup);
    const __m512i low_high = _mm512_shuffle_i32x4(values, values, 0xd8);  // quarters 0, 2, 1, 3
    const __m512i excess = _mm512_dpbusd_epi32(_mm512_setzero_si512(), offset, low_high);
    const __m256i both =
        _mm256_add_epi32(_mm512_castsi512_si256(excess), _mm512_extracti64x4_epi64(excess, 1));
    _mm256_store_si256(reinterpret_cast<__m256i*>(step.low), _mm512_castsi512_si256(low_high));
    _mm256_store_si256(reinterpret_cast<__m256i*>(step.high),
                       _mm512_extracti64x4_epi64(low_high, 1));
    _mm256_store_si256(reinterpret_cast<__m256i*>(step.corrections),
                       _mm256_sub_epi32(_mm256_setzero_si256(), both));
    ScalesOfStep(x, g, groups, step.scales, step.scales + 4, 4);
  }
}

// total + (sums of the products) x scales, for two groups from p on, or for the last one, which is
// read twice and meets zeros then.
template <bool kWhole>
DEEPTHIN_VNNI_INLINE __m512 AddStep(const std::byte* p, const Q8Step& step, __m512 total) {
  constexpr int64_t kBytes = sizeof(Q8Group);
  const __m512i bits = kWhole ? Load(p) : _mm512_castsi256_si512(Load32(p));
  const std::byte* second = kWhole ? p + kBytes : p;
  const __m512i w =
      _mm512_inserti64x4(_mm512_castsi256_si512(Load32(p + 2)), Load32(second + 2), 1);
  const __m512i word =
      kWhole ? _mm512_set_epi64(0, 0, 0, 0, 0x0011001100110011, 0x0011001100110011, 0, 0)
             : _mm512_setzero_si512();
  const __m256i halves = _mm512_castsi512_si256(_mm512_permutexvar_epi16(word, bits));
  const __m512 scales = _mm512_mul_ps(_mm512_cvtph_ps(halves), _mm512_load_ps(step.scales));
  const __m512i unsigned_w = _mm512_xor_si512(w, _mm512_set1_epi8(static_cast<char>(kByteOffset)));
  const __m512i sums = _mm512_dpbusd_epi32(_mm512_load_si512(step.corrections), unsigned_w,
                                           _mm512_load_si512(step.x));
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), scales, total);
}

// The values of two Q4_0 groups.
DEEPTHIN_VNNI_INLINE __m256i LoadTwo(const std::byte* a, const std::byte* b) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(Load16(a + 2)), Load16(b + 2), 1);
}

// The lower and the upper nibbles meet activations of their own.
template <bool kWhole>
DEEPTHIN_VNNI_INLINE __m256 AddStep(const std::byte* p, const Q4Step& step, __m256 total) {
  const __m256i w = LoadTwo(p, kWhole ? p + sizeof(Q4Group) : p);
  const __m256i bits = kWhole ? Load32(p) : _mm256_castsi128_si256(Load16(p));
  const __m256i word =
      kWhole ? _mm256_set_epi64x(0, 0, 0x0009000900090009, 0) : _mm256_setzero_si256();
  const __m128i halves = _mm256_castsi256_si128(_mm256_permutexvar_epi16(word, bits));
  const __m256 scales = _mm256_mul_ps(_mm256_cvtph_ps(halves), _mm256_load_ps(step.scales));
  const __m256i nibble = _mm256_set1_epi8(0xf);
  const __m256i low = _mm256_and_si256(w, nibble);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(w, 4), nibble);
  __m256i sums = LoadAligned32(step.corrections);
  sums = _mm256_dpbusd_epi32(sums, low, LoadAligned32(step.low));
  sums = _mm256_dpbusd_epi32(sums, high, LoadAligned32(step.high));
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), scales, total);
}

DEEPTHIN_VNNI_INLINE __m128 SumsOfRows(const __m256 (&rows)[kRows]) {
  const __m256 sums =
      _mm256_hadd_ps(_mm256_hadd_ps(rows[0], rows[1]), _mm256_hadd_ps(rows[2], rows[3]));
  return _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
}

template <class Group, class Step>
DEEPTHIN_VNNI_INLINE void MatVecOfGroups(const WeightMatrix& w, const ActivationView& x, float* y) {
  constexpr int64_t kStepBytes = 2 * static_cast<int64_t>(sizeof(Group));
  const int64_t groups = (w.cols + kGroup - 1) / kGroup;
  const int64_t whole = groups / 2;
  auto* steps = ThreadScratch<Step>(ScratchUse::kActivations, (groups + 1) / 2);
  Prepare(x, groups, steps);
  for (int64_t first = 0; first < w.rows; first += kRows) {
    const std::byte* rows[kRows];
    PointAtRows(w, first, rows);
    PrefetchPagesBehind(rows[0], kRows * w.row_bytes());
    typename Step::Total totals[kRows];
    for (auto& total : totals) total = typename Step::Total{};
    const std::byte* ahead = rows[0] + kRows * w.row_bytes() + kPrefetchBytes;
    for (int64_t s = 0; s < whole; ++s) {
      Prefetch<kRows * kStepBytes, _MM_HINT_T1>(ahead);
      ahead += kRows * kStepBytes;
      for (int r = 0; r < kRows; ++r) {
        totals[r] = AddStep<true>(rows[r], steps[s], totals[r]);
        rows[r] += kStepBytes;
      }
    }
    for (int r = 0; whole * 2 < groups && r < kRows; ++r) {
      totals[r] = AddStep<false>(rows[r], steps[whole], totals[r]);
    }
    _mm_mask_storeu_ps(y + first, MaskOfRows(w.rows - first), SumsOfRows(totals));
  }
}

}  // namespace

DEEPTHIN_VNNI void MatVecQ8_0(const WeightMatrix& w, const ActivationView& x, float* y) {
  MatVecOfGroups<Q8Group, Q8Step>(w, x, y);
}

DEEPTHIN_VNNI void MatVecQ4_0(const WeightMatrix& w, const ActivationView& x, float* y) {
  MatVecOfGroups<Q4Group, Q4Step>(w, x, y);
}

DEEPTHIN_VNNI void MatVecInt8(const WeightMatrix& w, const ActivationView& x, float* y) {
  const __m512i offset = _mm512_set1_epi8(static_cast<char>(kByteOffset));
  const int64_t whole = w.cols - w.cols % 64;
  const __mmask64 rest = (uint64_t{1} << (w.cols - whole)) - 1;
  __m512i excess = _mm512_setzero_si512();
  for (int64_t c = 0; c < w.cols; c += 64) {
    excess = _mm512_dpbusd_epi32(excess, offset, _mm512_load_si512(x.quantized + c));
  }
  const __m128i correction = _mm_set1_epi32(-_mm512_reduce_add_epi32(excess));
  for (int64_t first = 0; first < w.rows; first += kRows) {
    const std::byte* rows[kRows];
    PointAtRows(w, first, rows);
    PrefetchPagesBehind(rows[0], kRows * w.row_bytes());
    __m512i sums[kRows];
    for (auto& sum : sums) sum = _mm512_setzero_si512();
    const std::byte* ahead = rows[0] + kRows * w.cols + kInt8PrefetchBytes;
    for (int64_t c = 0; c < whole; c += 64) {
      Prefetch<kRows * 64, _MM_HINT_NTA>(ahead);
      ahead += kRows * 64;
      const __m512i values = _mm512_load_si512(x.quantized + c);
      for (int r = 0; r < kRows; ++r) {
        const __m512i unsigned_w = _mm512_xor_si512(Load(rows[r] + c), offset);
        sums[r] = _mm512_dpbusd_epi32(sums[r], unsigned_w, values);
      }
    }
    if (rest != 0) {
      const __m512i values = _mm512_load_si512(x.quantized + whole);
      for (int r = 0; r < kRows; ++r) {
        const __m512i unsigned_w =
            _mm512_xor_si512(_mm512_maskz_loadu_epi8(rest, rows[r] + whole), offset);
        sums[r] = _mm512_dpbusd_epi32(sums[r], unsigned_w, values);
      }
    }
    const __mmask8 mask = MaskOfRows(w.rows - first);
    const __m128 scales =
        _mm_mul_ps(_mm_maskz_loadu_ps(mask, w.row_scales + first), _mm_set1_ps(x.scales[0]));
    const __m128i products = _mm_add_epi32(SumsOfRows(sums), correction);
    _mm_mask_storeu_ps(y + first, mask, _mm_mul_ps(_mm_cvtepi32_ps(products), scales));
  }
}

}  // namespace deepthin::runtime::vnni
#endif  // __x86_64__

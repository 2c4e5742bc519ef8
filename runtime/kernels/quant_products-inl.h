// Products with weights in Q8_0, Q4_0 and int8 for one Highway target: included once per target by
// kernels.cc.
//
// Both sides are widened to int16, whose products of pairs one instruction adds up exactly. A sum
// over a group becomes f32, times both scales. For one token the lanes are columns, and a row is
// read as it lies in memory; for several they are rows: a panel of rows is interleaved once and
// meets all tokens. Each output is the same chain of additions in every tile shape.
#if defined(DEEPTHIN_KERNELS_QUANT_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_QUANT_PRODUCTS_INL_H_
#undef DEEPTHIN_KERNELS_QUANT_PRODUCTS_INL_H_
#else
#define DEEPTHIN_KERNELS_QUANT_PRODUCTS_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "runtime/kernels/highway_targets.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kernels/quant_limits.h"
#include "runtime/kernels/quant_nibbles-inl.h"
#include "runtime/kernels/thread_scratch.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// How far ahead of its loads a row is prefetched, in bytes, on through the rows that follow.
inline constexpr int64_t kQuantPrefetchBytes = 2048;

// Half a group or more per vector: groups are never split unevenly.
using WideTag = hn::CappedTag<int16_t, 16>;
inline constexpr int kWideVectors = static_cast<int>(kGroup / hn::MaxLanes(WideTag()));
using WideGroup = hn::Vec<WideTag>[kWideVectors];

HWY_INLINE void Widen(const int8_t* values, WideGroup& wide) {
  const WideTag d;
  const hn::Rebind<int8_t, WideTag> d8;
  for (int i = 0; i < kWideVectors; ++i) {
    wide[i] = hn::PromoteTo(d, hn::LoadU(d8, values + i * kGroup / kWideVectors));
  }
}

HWY_INLINE void Widen(const Q8Group& group, WideGroup& wide) { Widen(group.values, wide); }

HWY_INLINE void Widen(const Q4Group& group, WideGroup& wide) {
  const WideTag d;
  const hn::FixedTag<uint8_t, 16> du8;
  const hn::FixedTag<int8_t, 16> d8;
  const auto both = hn::LoadU(du8, group.values);
  const auto eight = hn::Set(d8, 8);
  const auto low = hn::Sub(hn::BitCast(d8, hn::And(both, hn::Set(du8, 0xf))), eight);
  const hn::Repartition<uint16_t, decltype(du8)> du16;
  const auto shifted = hn::BitCast(du8, hn::ShiftRight<4>(hn::BitCast(du16, both)));
  const auto high = hn::Sub(hn::BitCast(d8, hn::And(shifted, hn::Set(du8, 0xf))), eight);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2  // vectors of 16 x int16
  wide[0] = hn::PromoteTo(d, low);
  wide[1] = hn::PromoteTo(d, high);
#else
  const hn::Half<decltype(d8)> half;
  wide[0] = hn::PromoteTo(d, hn::LowerHalf(half, low));
  wide[1] = hn::PromoteTo(d, hn::UpperHalf(half, low));
  wide[2] = hn::PromoteTo(d, hn::LowerHalf(half, high));
  wide[3] = hn::PromoteTo(d, hn::UpperHalf(half, high));
#endif
}

// sum[i] + a[2i] b[2i] + a[2i + 1] b[2i + 1].
template <class D16, class V16 = hn::Vec<D16>, class D32 = hn::RepartitionToWide<D16>>
HWY_INLINE hn::Vec<D32> AddProductsOfPairs(D16 /*d*/, V16 a, V16 b, hn::Vec<D32> sum) {
#if HWY_ARCH_ARM_A64
  const int32x4_t low = vmull_s16(vget_low_s16(a.raw), vget_low_s16(b.raw));
  const int32x4_t high = vmull_high_s16(a.raw, b.raw);
  return hn::Add(sum, hn::Vec<D32>(vpaddq_s32(low, high)));
#else
  auto unused = hn::Zero(D32());
  return hn::ReorderWidenMulAccumulate(D32(), a, b, sum, unused);
#endif
}

// Int8 activations of all tokens as int16: [tokens, PaddedCols(cols)].
HWY_INLINE const int16_t* WideActivations(const ActivationView& x) {
  const int64_t n = x.rows * PaddedCols(x.cols);
  auto* wide = ThreadScratch<int16_t>(ScratchUse::kActivations, n);
  const WideTag d;
  for (int64_t i = 0; i < n; i += kGroup) {
    WideGroup group;
    Widen(x.quantized + i, group);
    for (int v = 0; v < kWideVectors; ++v) {
      hn::Store(group[v], d, wide + i + v * kGroup / kWideVectors);
    }
  }
  return wide;
}

// ---- One token ----

// The int32 sums over a group, in lanes.
HWY_INLINE auto SumsOfGroup(const WideGroup& w, const int16_t* x,
                            hn::Vec<hn::RepartitionToWide<WideTag>> sums) {
  const WideTag d;
  for (int i = 0; i < kWideVectors; ++i) {
    sums = AddProductsOfPairs(d, w[i], hn::Load(d, x + i * kGroup / kWideVectors), sums);
  }
  return sums;
}

HWY_INLINE void PrefetchAhead(const void* row, int64_t bytes) {
  for (int64_t b = 0; b < bytes; b += 64) {
    hwy::Prefetch(static_cast<const std::byte*>(row) + b + kQuantPrefetchBytes);
  }
}

// The scale of a group, times that of the activations, in all lanes.
template <class D>
HWY_INLINE hn::Vec<D> ProductOfScales(D d, const std::byte (&scale)[2], float x_scale) {
  const hn::Rebind<hwy::float16_t, D> d16;
  const hn::RebindToUnsigned<decltype(d16)> bits16;
  uint16_t bits = 0;
  std::memcpy(&bits, scale, sizeof(bits));
  return hn::Mul(hn::PromoteTo(d, hn::BitCast(d16, hn::Set(bits16, bits))), hn::Set(d, x_scale));
}

template <class Group>
HWY_INLINE float DotOfGroups(const Group* row, int64_t n, const int16_t* x, const float* x_scales) {
  const hn::RepartitionToWide<WideTag> d32;
  const hn::RebindToFloat<decltype(d32)> df;
  auto even = hn::Zero(df);
  auto odd = hn::Zero(df);
  const auto add = [&](int64_t g, auto sum) HWY_ATTR {
    WideGroup wide;
    Widen(row[g], wide);
    const auto sums = SumsOfGroup(wide, x + g * kGroup, hn::Zero(d32));
    return hn::MulAdd(hn::ConvertTo(df, sums), ProductOfScales(df, row[g].scale, x_scales[g]), sum);
  };
  int64_t g = 0;
  for (; g + 2 <= n; g += 2) {
    PrefetchAhead(row + g, 2 * static_cast<int64_t>(sizeof(Group)));
    even = add(g, even);
    odd = add(g + 1, odd);
  }
  if (g < n) even = add(g, even);
  return hn::GetLane(hn::SumOfLanes(df, hn::Add(even, odd)));
}

template <class Group>
HWY_INLINE void MatVecOfGroups(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  const int64_t n = (w.cols + kGroup - 1) / kGroup;
  const int16_t* wide = WideActivations(x);
  for (int64_t r = 0; r < w.rows; ++r) {
    y.data[r] = DotOfGroups(reinterpret_cast<const Group*>(w.Row(r)), n, wide, x.scales);
  }
}

HWY_INLINE int32_t DotOfInt8(const int8_t* row, int64_t cols, const int16_t* x) {
  const hn::RepartitionToWide<WideTag> d32;
  auto even = hn::Zero(d32);
  auto odd = hn::Zero(d32);
  WideGroup wide;
  int64_t c = 0;
  for (; c + 2 * kGroup <= cols; c += 2 * kGroup) {
    PrefetchAhead(row + c, 2 * kGroup);
    Widen(row + c, wide);
    even = SumsOfGroup(wide, x + c, even);
    Widen(row + c + kGroup, wide);
    odd = SumsOfGroup(wide, x + c + kGroup, odd);
  }
  for (; c < cols; c += kGroup) {
    int8_t last[kGroup] = {};
    std::memcpy(last, row + c, static_cast<size_t>(std::min(kGroup, cols - c)));
    Widen(last, wide);
    even = SumsOfGroup(wide, x + c, even);
  }
  return hn::GetLane(hn::SumOfLanes(d32, hn::Add(even, odd)));
}

HWY_INLINE void MatVecOfInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  const int16_t* wide = WideActivations(x);
  for (int64_t r = 0; r < w.rows; ++r) {
    const auto* row = reinterpret_cast<const int8_t*>(w.Row(r));
    y.data[r] = static_cast<float>(DotOfInt8(row, w.cols, wide)) * (w.row_scales[r] * x.scales[0]);
  }
}

// ---- Several tokens ----

// A panel of rows, of which the lanes of a vector each hold one: the tile of row vectors x tokens
// is kept in registers, in int32 and f32: 24 of 32, or 12 of 16.
using RowsTag = hn::ScalableTag<int32_t>;
inline constexpr int64_t kRowVectors = 2;
#if DEEPTHIN_32_REGISTERS
inline constexpr int kQuantTokens = 6;
#else
inline constexpr int kQuantTokens = 3;
#endif

// `segments` stretches of the columns with a scale for each row, `pairs` pairs of columns in each:
// a group of Q8_0 or Q4_0, or the whole of an int8 row.
struct WidePanel {
  int64_t segments = 0;
  int64_t pairs = 0;
  int64_t rows = 0;           // kRowVectors vectors of them
  int16_t* values = nullptr;  // [segments, pairs, rows, 2]
  float* scales = nullptr;    // [segments, rows]
};

HWY_INLINE WidePanel MakePanel(int64_t segments, int64_t pairs) {
  WidePanel panel{.segments = segments, .pairs = pairs};
  panel.rows = kRowVectors * static_cast<int64_t>(hn::Lanes(RowsTag()));
  panel.values = ThreadScratch<int16_t>(ScratchUse::kPanel, segments * pairs * panel.rows * 2);
  panel.scales = ThreadScratch<float>(ScratchUse::kPanelScales, segments * panel.rows);
  return panel;
}

// The group-th 32 columns of row r.
HWY_INLINE void StorePairs(const WideGroup& wide, int64_t group, int64_t r,
                           const WidePanel& panel) {
  const WideTag d;
  alignas(64) int16_t values[kGroup];
  for (int i = 0; i < kWideVectors; ++i) {
    hn::Store(wide[i], d, values + i * kGroup / kWideVectors);
  }
  int16_t* to = panel.values + (group * kGroup / 2 * panel.rows + r) * 2;
  for (int64_t i = 0; i < kGroup; i += 2) {
    std::memcpy(to, values + i, 2 * sizeof(int16_t));
    to += 2 * panel.rows;
  }
}

template <class Group>
HWY_INLINE void PackRow(const WeightMatrix& w, int64_t from, int64_t r, const WidePanel& panel) {
  const auto* groups = reinterpret_cast<const Group*>(w.Row(from));
  for (int64_t g = 0; g < panel.segments; ++g) {
    WideGroup wide;
    Widen(groups[g], wide);
    StorePairs(wide, g, r, panel);
    panel.scales[g * panel.rows + r] = ScaleOf(groups[g].scale);
  }
}

template <>
HWY_INLINE void PackRow<int8_t>(const WeightMatrix& w, int64_t from, int64_t r,
                                const WidePanel& panel) {
  const auto* row = reinterpret_cast<const int8_t*>(w.Row(from));
  for (int64_t c = 0; c < w.cols; c += kGroup) {
    int8_t values[kGroup] = {};
    std::memcpy(values, row + c, static_cast<size_t>(std::min(kGroup, w.cols - c)));
    WideGroup wide;
    Widen(values, wide);
    StorePairs(wide, c / kGroup, r, panel);
  }
  panel.scales[r] = w.row_scales[from];
}

// y[t][r] for kTokens tokens from `token` on and `rows` rows of the panel.
template <int kTokens>
HWY_INLINE void PanelTile(const WidePanel& panel, const int16_t* wide, const ActivationView& x,
                          int64_t token, int64_t rows, MutableMatrix y) {
  const RowsTag d32;
  const hn::RebindToFloat<RowsTag> df;
  const hn::Repartition<int16_t, RowsTag> d16;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d32));
  const int64_t cols = PaddedCols(x.cols);
  hn::Vec<decltype(df)> totals[kTokens][kRowVectors];
  for (auto& of_token : totals) {
    for (auto& total : of_token) total = hn::Zero(df);
  }
  const int16_t* HWY_RESTRICT weights = panel.values;
  const int16_t* HWY_RESTRICT activations = wide + token * cols;
  for (int64_t s = 0; s < panel.segments; ++s) {
    hn::Vec<RowsTag> sums[kTokens][kRowVectors];
    for (auto& of_token : sums) {
      for (auto& sum : of_token) sum = hn::Zero(d32);
    }
    for (int64_t p = 0; p < panel.pairs; ++p) {
      hn::Vec<decltype(d16)> w[kRowVectors];
      for (int64_t v = 0; v < kRowVectors; ++v) w[v] = hn::Load(d16, weights + 2 * v * lanes);
      weights += 2 * panel.rows;
      for (int t = 0; t < kTokens; ++t) {
        int32_t pair = 0;
        std::memcpy(&pair, activations + t * cols, sizeof(pair));
        const auto both = hn::BitCast(d16, hn::Set(d32, pair));
        for (int64_t v = 0; v < kRowVectors; ++v) {
          sums[t][v] = AddProductsOfPairs(d16, w[v], both, sums[t][v]);
        }
      }
      activations += 2;
    }
    for (int t = 0; t < kTokens; ++t) {
      const auto x_scale = hn::Set(df, x.Scales(token + t)[s]);
      for (int64_t v = 0; v < kRowVectors; ++v) {
        const auto scale =
            hn::Mul(hn::Load(df, panel.scales + s * panel.rows + v * lanes), x_scale);
        totals[t][v] = hn::MulAdd(hn::ConvertTo(df, sums[t][v]), scale, totals[t][v]);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    HWY_ALIGN float outputs[kRowVectors * hn::MaxLanes(df)];
    for (int64_t v = 0; v < kRowVectors; ++v) hn::Store(totals[t][v], df, outputs + v * lanes);
    std::copy(outputs, outputs + rows, y.Row(token + t));
  }
}

// Group: Q8Group, Q4Group, or int8_t for rows with one scale.
template <class Group>
HWY_INLINE void MatMulOfWidePanels(const WeightMatrix& w, const ActivationView& x,
                                   MutableMatrix y) {
  const int64_t groups = (w.cols + kGroup - 1) / kGroup;
  const bool one_scale = FormFor(w.dtype) == ActivationForm::kRows;
  const WidePanel panel =
      one_scale ? MakePanel(1, groups * kGroup / 2) : MakePanel(groups, kGroup / 2);
  const int16_t* wide = WideActivations(x);
  for (int64_t begin = 0; begin < w.rows; begin += panel.rows) {
    const int64_t rows = std::min(panel.rows, w.rows - begin);
    for (int64_t r = 0; r < panel.rows; ++r) {  // the last row stands for those that are missing
      PackRow<Group>(w, std::min(begin + r, w.rows - 1), r, panel);
    }
    const MutableMatrix part = y.Columns(begin, begin + rows);
    int64_t t = 0;
    for (; t + kQuantTokens <= x.rows; t += kQuantTokens) {
      PanelTile<kQuantTokens>(panel, wide, x, t, rows, part);
    }
    for (; t < x.rows; ++t) PanelTile<1>(panel, wide, x, t, rows, part);
  }
}

void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (x.rows == 1) {
    MatVecOfGroups<Q8Group>(w, x, y);
  } else {
    MatMulOfWidePanels<Q8Group>(w, x, y);
  }
}

void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (x.rows == 1) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
    MatVecOfNibbles(w, x, y.data);
#else
    MatVecOfGroups<Q4Group>(w, x, y);
#endif
  } else {
    MatMulOfWidePanels<Q4Group>(w, x, y);
  }
}

void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (w.cols > kMaxInt8Cols) {
    reference::MatMulInt8(w, x, y);
  } else if (x.rows == 1) {
    MatVecOfInt8(w, x, y);
  } else {
    MatMulOfWidePanels<int8_t>(w, x, y);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

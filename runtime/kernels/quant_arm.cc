// One token: lanes are columns, and rows are read as they lie in memory. Several: lanes are rows; a
// panel of them is interleaved once, four columns of a row in a lane, and meets all tokens.
#include "runtime/kernels/quant_arm.h"

// clang before 16 declares the intrinsics only where all of the file is compiled for them.
#if defined(__aarch64__) && defined(__linux__) && \
    (!defined(__clang__) || __clang_major__ >= 16 || defined(__ARM_FEATURE_DOTPROD))
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstring>

#include "runtime/kernels/quant_arm_values.h"
#include "runtime/kernels/quant_limits.h"
#include "runtime/kernels/reference.h"
#include "runtime/kernels/thread_scratch.h"

#define DEEPTHIN_DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#define DEEPTHIN_DOTPROD_INLINE DEEPTHIN_DOTPROD inline __attribute__((always_inline))

namespace deepthin::runtime::dotprod {
namespace {

// A tile of rows x tokens is kept in registers: 8 sums in int32 and 8 in f32 of 32 registers.
constexpr int64_t kVectors = 2;
constexpr int64_t kPanelRows = 4 * kVectors;
constexpr int kTokens = 4;

DEEPTHIN_DOTPROD_INLINE int32x4_t AddProducts(int32x4_t sums, int8x16x2_t w, const int8_t* x) {
  return vdotq_s32(vdotq_s32(sums, w.val[0], vld1q_s8(x)), w.val[1], vld1q_s8(x + 16));
}

// ---- One token ----

template <class Group>
DEEPTHIN_DOTPROD void MatVecOfGroups(const WeightMatrix& w, const ActivationView& x, float* y) {
  const int64_t n = (w.cols + kGroup - 1) / kGroup;
  for (int64_t r = 0; r < w.rows; ++r) {
    const auto* groups = reinterpret_cast<const Group*>(w.Row(r));
    float32x4_t totals[2] = {vdupq_n_f32(0), vdupq_n_f32(0)};  // two chains hide the latency
    for (int64_t g = 0; g < n; ++g) {
      const int32x4_t sums =
          AddProducts(vdupq_n_s32(0), Values(groups[g]), x.quantized + g * kGroup);
      totals[g % 2] =
          vfmaq_n_f32(totals[g % 2], vcvtq_f32_s32(sums), Scale(groups[g]) * x.scales[g]);
    }
    y[r] = vaddvq_f32(vaddq_f32(totals[0], totals[1]));
  }
}

DEEPTHIN_DOTPROD void MatVecOfInt8(const WeightMatrix& w, const ActivationView& x, float* y) {
  for (int64_t r = 0; r < w.rows; ++r) {
    const auto* row = reinterpret_cast<const int8_t*>(w.Row(r));
    int32x4_t even = vdupq_n_s32(0);
    int32x4_t odd = vdupq_n_s32(0);
    int64_t c = 0;
    for (; c + 2 * kGroup <= w.cols; c += 2 * kGroup) {
      even = AddProducts(even, Values(row, c, w.cols), x.quantized + c);
      odd = AddProducts(odd, Values(row, c + kGroup, w.cols), x.quantized + c + kGroup);
    }
    for (; c < w.cols; c += kGroup) {
      even = AddProducts(even, Values(row, c, w.cols), x.quantized + c);
    }
    const int32_t products = vaddvq_s32(vaddq_s32(even, odd));
    y[r] = static_cast<float>(products) * (w.row_scales[r] * x.scales[0]);
  }
}

// ---- Several tokens ----

// `segments` stretches of the columns with a scale for each row, `halves` times 16 columns in each:
// a group, or the whole of an int8 row.
struct Panel {
  int64_t segments = 0;
  int64_t halves = 0;
  int8_t* values = nullptr;  // [segments, halves, 4, kPanelRows, 4]
  float* scales = nullptr;   // [segments, kPanelRows]
};

// The group-th 32 columns of row r.
DEEPTHIN_DOTPROD_INLINE void Store(int8x16x2_t values, int64_t group, int64_t r,
                                   const Panel& panel) {
  int8_t group_values[kGroup];
  vst1q_s8(group_values, values.val[0]);
  vst1q_s8(group_values + 16, values.val[1]);
  for (int64_t i = 0; i < kGroup; i += 4) {
    std::memcpy(panel.values + (group * kGroup + i) * kPanelRows + 4 * r, group_values + i, 4);
  }
}

template <class Group>
DEEPTHIN_DOTPROD void PackRow(const WeightMatrix& w, int64_t from, int64_t r, const Panel& panel) {
  if constexpr (sizeof(Group) == 1) {
    const auto* row = reinterpret_cast<const int8_t*>(w.Row(from));
    for (int64_t c = 0; c < w.cols; c += kGroup) {
      Store(Values(row, c, w.cols), c / kGroup, r, panel);
    }
    panel.scales[r] = w.row_scales[from];
  } else {
    const auto* groups = reinterpret_cast<const Group*>(w.Row(from));
    for (int64_t g = 0; g < panel.segments; ++g) {
      Store(Values(groups[g]), g, r, panel);
      panel.scales[g * kPanelRows + r] = Scale(groups[g]);
    }
  }
}

// Sums of products with four columns, the kLane-th of the 16 in x.
template <int kLane, int kTileTokens>
DEEPTHIN_DOTPROD_INLINE void AddLane(const int8_t* weights, const int8x16_t (&x)[kTileTokens],
                                     int32x4_t (&sums)[kTileTokens][kVectors]) {
  for (int64_t v = 0; v < kVectors; ++v) {
    const int8x16_t w = vld1q_s8(weights + 16 * v + 4 * kPanelRows * kLane);
    for (int t = 0; t < kTileTokens; ++t) {
      sums[t][v] = vdotq_laneq_s32(sums[t][v], w, x[t], kLane);
    }
  }
}

// y[t][r] for kTileTokens tokens from `token` on and `rows` rows of the panel.
template <int kTileTokens>
DEEPTHIN_DOTPROD void Tile(const Panel& panel, const ActivationView& x, int64_t token, int64_t rows,
                           MutableMatrix y) {
  const int64_t stride = PaddedCols(x.cols);
  const int8_t* weights = panel.values;
  const int8_t* values = x.Quantized(token);
  float32x4_t totals[kTileTokens][kVectors];
  for (auto& of_token : totals) {
    for (auto& total : of_token) total = vdupq_n_f32(0);
  }
  for (int64_t s = 0; s < panel.segments; ++s) {
    int32x4_t sums[kTileTokens][kVectors];
    for (auto& of_token : sums) {
      for (auto& sum : of_token) sum = vdupq_n_s32(0);
    }
    for (int64_t h = 0; h < panel.halves; ++h) {
      int8x16_t of_tokens[kTileTokens];
      for (int t = 0; t < kTileTokens; ++t) of_tokens[t] = vld1q_s8(values + t * stride);
      AddLane<0>(weights, of_tokens, sums);
      AddLane<1>(weights, of_tokens, sums);
      AddLane<2>(weights, of_tokens, sums);
      AddLane<3>(weights, of_tokens, sums);
      weights += 16 * kPanelRows;
      values += 16;
    }
    for (int64_t v = 0; v < kVectors; ++v) {
      const float32x4_t w_scales = vld1q_f32(panel.scales + s * kPanelRows + 4 * v);
      for (int t = 0; t < kTileTokens; ++t) {
        const float32x4_t scales = vmulq_n_f32(w_scales, x.Scales(token + t)[s]);
        totals[t][v] = vfmaq_f32(totals[t][v], vcvtq_f32_s32(sums[t][v]), scales);
      }
    }
  }
  for (int t = 0; t < kTileTokens; ++t) {
    float outputs[kPanelRows];
    for (int64_t v = 0; v < kVectors; ++v) vst1q_f32(outputs + 4 * v, totals[t][v]);
    std::copy(outputs, outputs + rows, y.Row(token + t));
  }
}

template <class Group>
DEEPTHIN_DOTPROD void MatMulOfPanels(const WeightMatrix& w, const ActivationView& x,
                                     MutableMatrix y) {
  const int64_t groups = (w.cols + kGroup - 1) / kGroup;
  Panel panel;
  panel.segments = sizeof(Group) == 1 ? 1 : groups;
  panel.halves = 2 * groups / panel.segments;
  panel.values = ThreadScratch<int8_t>(ScratchUse::kPanel, groups * kGroup * kPanelRows);
  panel.scales = ThreadScratch<float>(ScratchUse::kPanelScales, panel.segments * kPanelRows);
  for (int64_t first = 0; first < w.rows; first += kPanelRows) {
    for (int64_t r = 0; r < kPanelRows; ++r) {  // the last row stands for those that are missing
      PackRow<Group>(w, std::min(first + r, w.rows - 1), r, panel);
    }
    const int64_t rows = std::min(kPanelRows, w.rows - first);
    const MutableMatrix part = y.Columns(first, first + rows);
    int64_t t = 0;
    for (; t + kTokens <= x.rows; t += kTokens) Tile<kTokens>(panel, x, t, rows, part);
    for (; t < x.rows; ++t) Tile<1>(panel, x, t, rows, part);
  }
}

}  // namespace

bool Supported() { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }

void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (x.rows == 1) {
    MatVecOfGroups<Q8Group>(w, x, y.data);
  } else {
    MatMulOfPanels<Q8Group>(w, x, y);
  }
}

void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (x.rows == 1) {
    MatVecOfGroups<Q4Group>(w, x, y.data);
  } else {
    MatMulOfPanels<Q4Group>(w, x, y);
  }
}

void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (w.cols > kMaxInt8Cols) {
    reference::MatMulInt8(w, x, y);
  } else if (x.rows == 1) {
    MatVecOfInt8(w, x, y.data);
  } else {
    MatMulOfPanels<int8_t>(w, x, y);
  }
}

}  // namespace deepthin::runtime::dotprod

#elif defined(__aarch64__)
#include "runtime/kernels/reference.h"

namespace deepthin::runtime::dotprod {

bool Supported() { return false; }
void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  reference::MatMulQ8_0(w, x, y);
}
void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  reference::MatMulQ4_0(w, x, y);
}
void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  reference::MatMulInt8(w, x, y);
}

}  // namespace deepthin::runtime::dotprod
#endif

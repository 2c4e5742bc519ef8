// A panel of rows is interleaved once, eight columns of two rows in a vector, and meets all tokens,
// which are interleaved by twos likewise.
#include "runtime/kernels/quant_i8mm.h"

#include "runtime/kernels/quant_arm.h"

// clang before 16 declares the intrinsics only where all of the file is compiled for them.
#if defined(__aarch64__) && defined(__linux__) && \
    (!defined(__clang__) || __clang_major__ >= 16 || defined(__ARM_FEATURE_MATMUL_INT8))
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstring>

#include "runtime/kernels/quant_arm_values.h"
#include "runtime/kernels/quant_limits.h"
#include "runtime/kernels/thread_scratch.h"

#define DEEPTHIN_I8MM __attribute__((target("arch=armv8.2-a+dotprod+i8mm")))

namespace deepthin::runtime::i8mm {
namespace {

// A tile of 8 rows x 4 tokens is kept in registers: 8 sums in int32 and 8 in f32 of 32 registers.
constexpr int64_t kRowPairs = 4;
constexpr int64_t kTokenPairs = 2;
constexpr int64_t kPanelRows = 2 * kRowPairs;

// `segments` stretches of the columns with a scale for each row, `eights` times eight columns in
// each: a group, or the whole of an int8 row.
struct Panel {
  int64_t segments = 0;
  int64_t eights = 0;
  int8_t* values = nullptr;  // [segments, eights, kPanelRows, 8]
  float* scales = nullptr;   // [segments, kPanelRows, 2], each twice
};

// Activations: tokens by twos; the last one again where its pair has no second.
struct TokenPairs {
  const int8_t* values = nullptr;  // [pairs, PaddedCols / 8, 2, 8]
  int64_t pairs = 0;
};

TokenPairs Interleave(const ActivationView& x) {
  const int64_t cols = PaddedCols(x.cols);
  const int64_t pairs = (x.rows + 1) / 2;
  auto* values = ThreadScratch<int8_t>(ScratchUse::kActivations, pairs * 2 * cols);
  int8_t* to = values;
  for (int64_t t = 0; t < x.rows; t += 2) {
    const int8_t* first = x.Quantized(t);
    const int8_t* second = x.Quantized(std::min(t + 1, x.rows - 1));
    for (int64_t c = 0; c < cols; c += 8) {
      vst1q_s8(to, vcombine_s8(vld1_s8(first + c), vld1_s8(second + c)));
      to += 16;
    }
  }
  return {values, pairs};
}

// The group-th 32 columns of row r.
void Store(int8x16x2_t values, int64_t group, int64_t r, const Panel& panel) {
  int8_t* to = panel.values + (group * kGroup / 8 * kPanelRows + r) * 8;
  for (const int8x16_t half : values.val) {
    vst1_s8(to, vget_low_s8(half));
    vst1_s8(to + 8 * kPanelRows, vget_high_s8(half));
    to += 16 * kPanelRows;
  }
}

void StoreScale(float scale, int64_t segment, int64_t r, const Panel& panel) {
  vst1_f32(panel.scales + (segment * kPanelRows + r) * 2, vdup_n_f32(scale));
}

template <class Group>
void PackRow(const WeightMatrix& w, int64_t from, int64_t r, const Panel& panel) {
  if constexpr (sizeof(Group) == 1) {
    const auto* row = reinterpret_cast<const int8_t*>(w.Row(from));
    for (int64_t c = 0; c < w.cols; c += kGroup) {
      Store(Values(row, c, w.cols), c / kGroup, r, panel);
    }
    StoreScale(w.row_scales[from], 0, r, panel);
  } else {
    const auto* groups = reinterpret_cast<const Group*>(w.Row(from));
    for (int64_t g = 0; g < panel.segments; ++g) {
      Store(Values(groups[g]), g, r, panel);
      StoreScale(Scale(groups[g]), g, r, panel);
    }
  }
}

// y[t][r] for kPairs pairs of tokens from the pair `first` on and `rows` rows of the panel.
template <int64_t kPairs>
DEEPTHIN_I8MM void Tile(const Panel& panel, const TokenPairs& tokens, const ActivationView& x,
                        int64_t first, int64_t rows, MutableMatrix y) {
  const int64_t stride = 2 * PaddedCols(x.cols);
  const int8_t* weights = panel.values;
  const int8_t* values = tokens.values + first * stride;
  const float* x_scales[kPairs][2];
  for (int64_t p = 0; p < kPairs; ++p) {
    for (int64_t i = 0; i < 2; ++i) {
      x_scales[p][i] = x.Scales(std::min((first + p) * 2 + i, x.rows - 1));
    }
  }
  float32x4_t totals[kPairs][kRowPairs];  // of a pair of rows: (0, 0), (0, 1), (1, 0), (1, 1)
  for (auto& of_pair : totals) {
    for (auto& total : of_pair) total = vdupq_n_f32(0);
  }
  for (int64_t s = 0; s < panel.segments; ++s) {
    int32x4_t sums[kPairs][kRowPairs];
    for (auto& of_pair : sums) {
      for (auto& sum : of_pair) sum = vdupq_n_s32(0);
    }
    for (int64_t e = 0; e < panel.eights; ++e) {
      int8x16_t w[kRowPairs];
      for (int64_t r = 0; r < kRowPairs; ++r) w[r] = vld1q_s8(weights + 16 * r);
      weights += 8 * kPanelRows;
      for (int64_t p = 0; p < kPairs; ++p) {
        const int8x16_t pair = vld1q_s8(values + p * stride);
        for (int64_t r = 0; r < kRowPairs; ++r) sums[p][r] = vmmlaq_s32(sums[p][r], w[r], pair);
      }
      values += 16;
    }
    for (int64_t p = 0; p < kPairs; ++p) {
      const float32x2_t both = {x_scales[p][0][s], x_scales[p][1][s]};
      const float32x4_t x_scale = vcombine_f32(both, both);
      for (int64_t r = 0; r < kRowPairs; ++r) {
        const float32x4_t w_scale = vld1q_f32(panel.scales + (s * kRowPairs + r) * 4);
        totals[p][r] =
            vfmaq_f32(totals[p][r], vcvtq_f32_s32(sums[p][r]), vmulq_f32(w_scale, x_scale));
      }
    }
  }
  for (int64_t p = 0; p < kPairs; ++p) {
    float outputs[kPanelRows][2];
    for (int64_t r = 0; r < kRowPairs; ++r) vst1q_f32(outputs[2 * r], totals[p][r]);
    for (int64_t i = 0; i < 2 && (first + p) * 2 + i < x.rows; ++i) {
      for (int64_t r = 0; r < rows; ++r) y.Row((first + p) * 2 + i)[r] = outputs[r][i];
    }
  }
}

template <class Group>
DEEPTHIN_I8MM void MatMulOfPanels(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  const int64_t groups = (w.cols + kGroup - 1) / kGroup;
  Panel panel;
  panel.segments = sizeof(Group) == 1 ? 1 : groups;
  panel.eights = kGroup / 8 * groups / panel.segments;
  panel.values = ThreadScratch<int8_t>(ScratchUse::kPanel, groups * kGroup * kPanelRows);
  panel.scales = ThreadScratch<float>(ScratchUse::kPanelScales, panel.segments * kPanelRows * 2);
  const TokenPairs tokens = Interleave(x);
  for (int64_t first = 0; first < w.rows; first += kPanelRows) {
    for (int64_t r = 0; r < kPanelRows; ++r) {  // the last row stands for those that are missing
      PackRow<Group>(w, std::min(first + r, w.rows - 1), r, panel);
    }
    const int64_t rows = std::min(kPanelRows, w.rows - first);
    const MutableMatrix part = y.Columns(first, first + rows);
    int64_t p = 0;
    for (; p + kTokenPairs <= tokens.pairs; p += kTokenPairs) {
      Tile<kTokenPairs>(panel, tokens, x, p, rows, part);
    }
    for (; p < tokens.pairs; ++p) Tile<1>(panel, tokens, x, p, rows, part);
  }
}

}  // namespace

bool Supported() { return dotprod::Supported() && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0; }

void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (x.rows == 1) {
    dotprod::MatMulQ8_0(w, x, y);
  } else {
    MatMulOfPanels<Q8Group>(w, x, y);
  }
}

void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (x.rows == 1) {
    dotprod::MatMulQ4_0(w, x, y);
  } else {
    MatMulOfPanels<Q4Group>(w, x, y);
  }
}

void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  if (x.rows == 1 || w.cols > kMaxInt8Cols) {
    dotprod::MatMulInt8(w, x, y);
  } else {
    MatMulOfPanels<int8_t>(w, x, y);
  }
}

}  // namespace deepthin::runtime::i8mm

#elif defined(__aarch64__)

namespace deepthin::runtime::i8mm {

bool Supported() { return false; }
void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  dotprod::MatMulQ8_0(w, x, y);
}
void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  dotprod::MatMulQ4_0(w, x, y);
}
void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  dotprod::MatMulInt8(w, x, y);
}

}  // namespace deepthin::runtime::i8mm
#endif

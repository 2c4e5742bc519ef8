// Products of the trainer for one Highway target: included once per target by training_kernels.cc.
//
// A tile of rows x vectors of sums stays in registers over the whole depth: a vector of the right
// operand meets one number of each row of the left one. Each element is one chain of fused
// multiply-adds over the depth, whatever the tile.
#if defined(DEEPTHIN_KERNELS_TRAINING_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPTHIN_KERNELS_TRAINING_PRODUCTS_INL_H_
#undef DEEPTHIN_KERNELS_TRAINING_PRODUCTS_INL_H_
#else
#define DEEPTHIN_KERNELS_TRAINING_PRODUCTS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "runtime/kernels/highway_targets.h"
#include "runtime/kernels/training_reference.h"
#include "runtime/kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sums of a tile: 24 of 32 registers, or 12 of 16. Few vectors go with more rows.
#if DEEPTHIN_32_REGISTERS
inline constexpr int kMostVectors = 4;
inline constexpr int kManyRows = 12;
inline constexpr int kFewRows = 6;
#else
inline constexpr int kMostVectors = 2;
inline constexpr int kManyRows = 6;
inline constexpr int kFewRows = 6;
#endif

// A row of a tile to memory: whole vectors where out has them.
template <int kVectors, class V>
HWY_INLINE void StoreTileRow(const V (&sums)[kVectors], const float* base, int64_t cols,
                             float* out) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int v = 0; v < kVectors; ++v) {
    const int64_t n = std::min(lanes, cols - v * lanes);
    if (n == lanes) {
      const auto sum = base == nullptr ? sums[v] : hn::Add(hn::LoadU(d, base + v * lanes), sums[v]);
      hn::StoreU(sum, d, out + v * lanes);
    } else {
      HWY_ALIGN float some[hn::MaxLanes(d)];
      hn::Store(sums[v], d, some);
      for (int64_t i = 0; i < n; ++i) {
        out[v * lanes + i] = base == nullptr ? some[i] : base[v * lanes + i] + some[i];
      }
    }
  }
}

// Rows [i, i + kRows) of out by its columns from j on, as many as kVectors vectors hold.
template <int kVectors, int kRows>
HWY_INLINE void ProductTile(const LeftOperand<float>& left, MatrixView<const float> right,
                            MatrixView<const float> base, int64_t i, int64_t j,
                            MatrixView<float> out) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sums[kRows][kVectors];
  // One pointer for three rows, which x86 addresses from it: one for each does not fit registers.
  const float* HWY_RESTRICT from[(kRows + 2) / 3];
  for (int r = 0; r < kRows; ++r) {
    if (r % 3 == 0) from[r / 3] = left.data + (i + r) * left.row;
    for (auto& sum : sums[r]) sum = hn::Zero(d);
  }
  const float* HWY_RESTRICT columns = right.data + j;
  for (int64_t k = 0; k < right.rows; ++k) {
    hn::Vec<decltype(d)> vectors[kVectors];
    for (int v = 0; v < kVectors; ++v) vectors[v] = hn::LoadU(d, columns + v * lanes);
    columns += right.stride;
    for (int r = 0; r < kRows; ++r) {
      const auto value = hn::Set(d, from[r / 3][r % 3 * left.row]);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(vectors[v], value, sums[r][v]);
    }
    for (auto& pointer : from) pointer += left.step;
  }
  for (int r = 0; r < kRows; ++r) {
    StoreTileRow(sums[r], base.data == nullptr ? nullptr : base.Row(i + r) + j, out.cols - j,
                 out.Row(i + r) + j);
  }
}

// The tile for as many rows as are left, 1 to kRows.
template <int kVectors, int kRows>
HWY_INLINE void LastProductTile(const LeftOperand<float>& left, MatrixView<const float> right,
                                MatrixView<const float> base, int64_t i, int64_t j,
                                MatrixView<float> out) {
  if constexpr (kRows > 1) {
    if (out.rows - i < kRows) {
      return LastProductTile<kVectors, kRows - 1>(left, right, base, i, j, out);
    }
  }
  ProductTile<kVectors, kRows>(left, right, base, i, j, out);
}

template <int kVectors>
HWY_NOINLINE void MultiplyColumns(const LeftOperand<float>& left, MatrixView<const float> right,
                                  MatrixView<const float> base, int64_t j, MatrixView<float> out) {
  constexpr int kRows = kVectors <= 2 ? kManyRows : kFewRows;
  for (int64_t i = 0; i < out.rows; i += kRows) {
    LastProductTile<kVectors, kRows>(left, right, base, i, j, out);
  }
}

void Multiply(const LeftOperand<float>& left, MatrixView<const float> right,
              MatrixView<const float> base, MatrixView<float> out) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  for (int64_t j = 0; j < out.cols; j += kMostVectors * lanes) {
    const int64_t vectors = (out.cols - j + lanes - 1) / lanes;
    if (vectors == 1) {
      MultiplyColumns<1>(left, right, base, j, out);
    } else if (vectors == 2 || kMostVectors == 2) {
      MultiplyColumns<2>(left, right, base, j, out);
    } else if (vectors == 3) {
      MultiplyColumns<(kMostVectors > 2 ? 3 : 2)>(left, right, base, j, out);
    } else {
      MultiplyColumns<kMostVectors>(left, right, base, j, out);
    }
  }
}

void PackRows(MatrixView<const float> rows, float* panel) {
  const hn::Full128<float> d;
  const int64_t whole_rows = rows.rows - rows.rows % 4;
  const int64_t whole = rows.cols - rows.cols % 4;
  for (int64_t k = 0; k < whole; k += 4) {
    float* to = panel + k * kPanelColumns;
    for (int64_t j = 0; j < whole_rows; j += 4) {
      hn::Vec<decltype(d)> in[4];
      hn::Vec<decltype(d)> turned[4];
      for (int64_t i = 0; i < 4; ++i) in[i] = hn::LoadU(d, rows.Row(j + i) + k);
      Transpose4x4(d, in, turned);
      for (int64_t i = 0; i < 4; ++i) hn::StoreU(turned[i], d, to + i * kPanelColumns + j);
    }
  }
  for (int64_t k = 0; k < rows.cols; ++k) {
    float* to = panel + k * kPanelColumns;
    for (int64_t j = k < whole ? whole_rows : 0; j < rows.rows; ++j) to[j] = rows.Row(j)[k];
    std::fill(to + rows.rows, to + kPanelColumns, 0.0F);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#endif  // per target

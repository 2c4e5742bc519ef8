#include "runtime/trainer/products.h"

#include <algorithm>
#include <functional>
#include <type_traits>

#include "runtime/kernels/thread_scratch.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Depth that a product goes through at a time: a panel of it is 128 KiB in f32, a part of L2. Even.
constexpr int64_t kDepth = 512;
// Rows of the left operand that meet all panels before the next ones do: L2 holds them.
constexpr int64_t kRows = 96;
// Tokens that a weight gradient is summed over at a time. Even.
constexpr int64_t kTokens = 1024;

int64_t PanelsOf(int64_t columns) { return (columns + kPanelColumns - 1) / kPanelColumns; }

template <class T>
void Grow(Tensor<T>& buffer, int64_t rows) {
  if (buffer.rows() < rows) buffer = Tensor<T>(rows, kPanelColumns, "the operands of a product");
}

template <class T>
MatrixView<const T> ColumnsOfPanel(MatrixView<const T> m, int64_t panel) {
  const int64_t begin = panel * kPanelColumns;
  return m.Columns(begin, std::min(begin + kPanelColumns, m.cols));
}

}  // namespace

bool IsSupported(ProductPrecision precision) {
  return precision == ProductPrecision::kF32 || ActiveBf16Products() != nullptr;
}

ProductPrecision FastestPrecision() {
  return IsSupported(ProductPrecision::kBf16) ? ProductPrecision::kBf16 : ProductPrecision::kF32;
}

template <class T>
ProductKernels<T> ProductKernelsFor(ProductPrecision precision) {
  if (precision == ProductPrecision::kF32) {
    const TrainingKernels<T>& kernels = ActiveTrainingKernels<T>();
    return {.PackRows = kernels.PackRows,
            .PackColumns = kernels.PackColumns,
            .Multiply = kernels.Multiply};
  }
  const Bf16Products* products = ActiveBf16Products();
  DEEPTHIN_CHECK(products != nullptr);
  if constexpr (std::is_same_v<T, float>) {
    return {.per_row = 2,
            .RoundRows = products->RoundRows,
            .PairRows = products->PairRows,
            .PackRows = products->PackRows,
            .PackColumns = products->PackColumns,
            .Multiply = products->Multiply};
  } else {
    DEEPTHIN_CHECK(false);  // gradient checks are in f64 throughout
    return {};
  }
}

template ProductKernels<float> ProductKernelsFor(ProductPrecision);
template ProductKernels<double> ProductKernelsFor(ProductPrecision);

template <class T>
Products<T>::Products(ThreadPool& pool, ProductPrecision precision)
    : pool_(pool), kernels_(ProductKernelsFor<T>(precision)) {}

template <class T>
void Products<T>::PackTransposed(MatrixView<const T> w, PackedMatrix<T>& packed) {
  packed.depth = w.cols;
  packed.cols = w.rows;
  const int64_t size = kernels_.Depth(w.cols);
  Grow(packed.panels, PanelsOf(w.rows) * size);
  const auto pack = [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t first = panel * kPanelColumns;
      kernels_.PackRows(w.Rows(first, std::min(first + kPanelColumns, w.rows)),
                        packed.panels.Row(panel * size));
    }
  };
  pool_.ForRanges(PanelsOf(w.rows), 1, std::cref(pack));
}

template <class T>
void Products<T>::Pack(MatrixView<const T> w, PackedMatrix<T>& packed) {
  packed.depth = w.rows;
  packed.cols = w.cols;
  const int64_t size = kernels_.Depth(w.rows);
  Grow(packed.panels, PanelsOf(w.cols) * size);
  const auto pack = [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      kernels_.PackColumns(ColumnsOfPanel(w, panel), packed.panels.Row(panel * size));
    }
  };
  pool_.ForRanges(PanelsOf(w.cols), 1, std::cref(pack));
}

// On the calling thread.
template <class T>
void Products<T>::MultiplyRows(MatrixView<const T> left, const PackedMatrix<T>& right,
                               MatrixView<const T> base, MatrixView<T> out) const {
  const int64_t size = kernels_.Depth(right.depth);
  for (int64_t k = 0; k < right.depth; k += kDepth) {
    const int64_t k_end = std::min(k + kDepth, right.depth);
    const MatrixView<const T> part = left.Columns(k, k_end);
    LeftOperand<T> operand = {part.data, part.stride, 1};
    if (kernels_.RoundRows != nullptr) {
      const int64_t row = kernels_.Depth(part.cols);
      T* rounded = ThreadScratch<T>(ScratchUse::kLeftRows, part.rows * row);
      kernels_.RoundRows(part, rounded);
      operand = {rounded, row, 1};
    }
    for (int64_t panel = 0; panel < PanelsOf(right.cols); ++panel) {
      const int64_t begin = panel * kPanelColumns;
      const int64_t end = std::min(begin + kPanelColumns, right.cols);
      const MatrixView<const T> columns =
          Dense(right.panels.Row(panel * size + k / kernels_.per_row), kernels_.Depth(k_end - k),
                kPanelColumns);
      const MatrixView<const T> under = k > 0 ? AsConstView(out) : base;
      kernels_.Multiply(operand, columns, under.data == nullptr ? under : under.Columns(begin, end),
                        out.Columns(begin, end));
    }
  }
}

template <class T>
void Products<T>::Multiply(MatrixView<const T> left, const PackedMatrix<T>& right,
                           MatrixView<const T> base, MatrixView<T> out) const {
  DEEPTHIN_CHECK(left.cols == right.depth && out.rows == left.rows && out.cols == right.cols);
  DEEPTHIN_CHECK(base.data == nullptr || (base.rows == out.rows && base.cols == out.cols));
  for (int64_t i = 0; i < left.rows; i += kRows) {
    const int64_t end = std::min(i + kRows, left.rows);
    MultiplyRows(left.Rows(i, end), right, base.data == nullptr ? base : base.Rows(i, end),
                 out.Rows(i, end));
  }
}

template <class T>
void Products<T>::Reserve(int64_t tokens, int64_t cols, PackedTokens<T>& packed) const {
  packed.tokens = tokens;
  packed.cols = cols;
  Grow(packed.panels, PanelsOf(cols) * kernels_.Depth(tokens));
}

template <class T>
void Products<T>::PackTokens(MatrixView<const T> m, int64_t first, PackedTokens<T>& packed) const {
  DEEPTHIN_CHECK(m.cols == packed.cols && first + m.rows <= packed.tokens);
  DEEPTHIN_CHECK(first % kernels_.per_row == 0);
  const int64_t size = kernels_.Depth(packed.tokens);
  for (int64_t panel = 0; panel < PanelsOf(m.cols); ++panel) {
    kernels_.PackColumns(ColumnsOfPanel(m, panel),
                         packed.panels.Row(panel * size + first / kernels_.per_row));
  }
}

// Both operands in panels, so that the left one's elements of a token lie side by side.
template <class T>
void Products<T>::AddWeightGradient(const PackedTokens<T>& dy, const PackedTokens<T>& x,
                                    MatrixView<T> dw) {
  DEEPTHIN_CHECK(dy.tokens == x.tokens && dw.rows == dy.cols && dw.cols == x.cols);
  const int64_t size = kernels_.Depth(x.tokens);
  const int64_t step = kernels_.Depth(kTokens);
  const int64_t rights = PanelsOf(x.cols);
  const auto multiply = [&](int64_t begin, int64_t end) {
    for (int64_t k = 0; k < size; k += step) {
      const int64_t depth = std::min(step, size - k);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i / rights * kPanelColumns;
        const int64_t column = i % rights * kPanelColumns;
        const MatrixView<T> part = dw.Rows(row, std::min(row + kPanelColumns, dw.rows))
                                       .Columns(column, std::min(column + kPanelColumns, dw.cols));
        const MatrixView<const T> columns =
            Dense<const T>(x.panels.Row(i % rights * size + k), depth, kPanelColumns);
        kernels_.Multiply({dy.panels.Row(i / rights * size + k), 1, kPanelColumns}, columns,
                          AsConstView(part), part);
      }
    }
  };
  pool_.ForRanges(PanelsOf(dy.cols) * rights, 1, std::cref(multiply));
}

template <class T>
void Products<T>::AddWeightGradient(MatrixView<const T> dy, MatrixView<const T> x,
                                    MatrixView<T> dw) {
  DEEPTHIN_CHECK(dy.rows == x.rows);
  Reserve(dy.rows, dy.cols, left_);
  Reserve(x.rows, x.cols, right_);
  const auto pack = [&](int64_t begin, int64_t end) {
    PackTokens(dy.Rows(begin, end), begin, left_);
    PackTokens(x.Rows(begin, end), begin, right_);
  };
  pool_.ForRanges(dy.rows, kRows, std::cref(pack));
  AddWeightGradient(left_, right_, dw);
}

template class Products<float>;
template class Products<double>;

}  // namespace deepthin::runtime

#include "runtime/trainer/products.h"

#include <algorithm>
#include <functional>
#include <span>
#include <type_traits>

#include "runtime/kernels/kernels.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Side of the squares that a transposition goes by: two squares of f64 are 8 KiB, within L1.
constexpr int64_t kSquare = 16;
// A range of a product has at least so many of its outer elements, two panels of the kernels.
constexpr int64_t kGrain = 2 * kRowsPerPanel;
// Tokens that a weight gradient is summed over at a time: their panel of 64 columns is 128 KiB.
constexpr int64_t kTokensAtATime = 512;

// The kernels are looked up once: the environment decides, and does not change.
const Kernels& TrainingKernels() {
  static const Kernels& kernels = ActiveKernels();
  return kernels;
}

void MultiplyRows(MatrixView<const float> x, MatrixView<const float> w, MatrixView<float> out) {
  const auto size = static_cast<size_t>(w.rows * w.cols);
  TrainingKernels().MatMul(Dtype::kF32)(F32Matrix({w.data, size}, w.rows, w.cols),
                                        FloatActivations(x), out);
}

void MultiplyRows(MatrixView<const double> x, MatrixView<const double> w, MatrixView<double> out) {
  for (int64_t t = 0; t < x.rows; ++t) {
    for (int64_t r = 0; r < w.rows; ++r) {
      double sum = 0;
      for (int64_t c = 0; c < w.cols; ++c) sum += x.Row(t)[c] * w.Row(r)[c];
      out.Row(t)[r] = sum;
    }
  }
}

// The transpose in a buffer that grows where it must.
template <class T>
MatrixView<const T> TransposedIn(std::vector<T>& buffer, MatrixView<const T> in) {
  const auto size = static_cast<size_t>(in.rows * in.cols);
  if (buffer.size() < size) buffer.resize(size);
  Transpose(in, Dense(buffer.data(), in.cols, in.rows));
  return Dense<const T>(buffer.data(), in.cols, in.rows);
}

template <class T>
void AddTo(MatrixView<T> out, MatrixView<const T> term) {
  for (int64_t r = 0; r < out.rows; ++r) {
    T* to = out.Row(r);
    const T* from = term.Row(r);
    for (int64_t c = 0; c < out.cols; ++c) to[c] += from[c];
  }
}

// out += at b, where `at` is already transposed: [out.rows, n].
template <class T>
void AddProduct(MatrixView<const T> at, MatrixView<const T> b, std::vector<T>& b_transposed,
                std::vector<T>& product, MatrixView<T> out) {
  const auto size = static_cast<size_t>(out.rows * out.cols);
  if (product.size() < size) product.resize(size);
  const MatrixView<T> sums = Dense(product.data(), out.rows, out.cols);
  MultiplyRows(at, TransposedIn(b_transposed, b), sums);
  AddTo(out, MatrixView<const T>{sums.data, sums.rows, sums.cols, sums.stride});
}

}  // namespace

template <class T>
void Transpose(MatrixView<const T> in, MatrixView<T> out) {
  DEEPTHIN_CHECK(in.rows == out.cols && in.cols == out.rows);
  for (int64_t r0 = 0; r0 < in.rows; r0 += kSquare) {
    const int64_t r1 = std::min(r0 + kSquare, in.rows);
    for (int64_t c0 = 0; c0 < in.cols; c0 += kSquare) {
      const int64_t c1 = std::min(c0 + kSquare, in.cols);
      for (int64_t c = c0; c < c1; ++c) {
        T* to = out.Row(c);
        for (int64_t r = r0; r < r1; ++r) to[r] = in.Row(r)[c];
      }
    }
  }
}

template <class T>
void SerialProducts<T>::TimesTransposed(MatrixView<const T> x, MatrixView<const T> w,
                                        MatrixView<T> out) {
  DEEPTHIN_CHECK(w.stride == w.cols && x.cols == w.cols && out.rows == x.rows &&
                 out.cols == w.rows);
  MultiplyRows(x, w, out);
}

template <class T>
void SerialProducts<T>::Times(MatrixView<const T> x, MatrixView<const T> w, MatrixView<T> out) {
  DEEPTHIN_CHECK(x.cols == w.rows && out.rows == x.rows && out.cols == w.cols);
  MultiplyRows(x, TransposedIn(right_, w), out);
}

template <class T>
void SerialProducts<T>::AddTransposedTimes(MatrixView<const T> a, MatrixView<const T> b,
                                           MatrixView<T> out) {
  DEEPTHIN_CHECK(a.rows == b.rows && out.rows == a.cols && out.cols == b.cols);
  AddProduct(TransposedIn(left_, a), b, right_, product_, out);
}

template <class T>
void Products<T>::Forward(MatrixView<const T> x, MatrixView<const T> w, MatrixView<T> y) {
  DEEPTHIN_CHECK(w.stride == w.cols && x.cols == w.cols && y.rows == x.rows && y.cols == w.rows);
  const auto multiply = [&](int64_t begin, int64_t end) {
    MultiplyRows(x, w.Rows(begin, end), y.Columns(begin, end));
  };
  pool_.ForRanges(w.rows, kGrain, std::cref(multiply));
}

template <class T>
void Products<T>::InputGradient(MatrixView<const T> dy, MatrixView<const T> w, MatrixView<T> dx) {
  DEEPTHIN_CHECK(dy.cols == w.rows && dx.rows == dy.rows && dx.cols == w.cols);
  const auto multiply = [&](int64_t begin, int64_t end) {
    thread_local std::vector<T> columns;
    MultiplyRows(dy, TransposedIn(columns, w.Columns(begin, end)), dx.Columns(begin, end));
  };
  pool_.ForRanges(w.cols, kGrain, std::cref(multiply));
}

template <class T>
void Products<T>::AddWeightGradient(MatrixView<const T> dy, MatrixView<const T> x,
                                    MatrixView<T> dw) {
  DEEPTHIN_CHECK(dy.rows == x.rows && dw.rows == dy.cols && dw.cols == x.cols);
  const int64_t tokens = dy.rows;
  const auto size = static_cast<size_t>(tokens * dy.cols);
  if (dy_transposed_.size() < size) dy_transposed_.resize(size);
  const MatrixView<T> dyt = Dense(dy_transposed_.data(), dy.cols, tokens);
  const auto transpose = [&](int64_t begin, int64_t end) {
    Transpose(dy.Columns(begin, end), dyt.Rows(begin, end));
  };
  pool_.ForRanges(dy.cols, kSquare, std::cref(transpose));
  const MatrixView<const T> left = {dyt.data, dyt.rows, dyt.cols, dyt.stride};
  const auto multiply = [&](int64_t begin, int64_t end) {
    thread_local std::vector<T> columns, product;
    for (int64_t t = 0; t < tokens; t += kTokensAtATime) {
      const int64_t t_end = std::min(t + kTokensAtATime, tokens);
      AddProduct(left.Columns(t, t_end), x.Rows(t, t_end).Columns(begin, end), columns, product,
                 dw.Columns(begin, end));
    }
  };
  pool_.ForRanges(x.cols, kGrain, std::cref(multiply));
}

template void Transpose<float>(MatrixView<const float>, MatrixView<float>);
template void Transpose<double>(MatrixView<const double>, MatrixView<double>);
template class SerialProducts<float>;
template class SerialProducts<double>;
template class Products<float>;
template class Products<double>;

}  // namespace deepthin::runtime

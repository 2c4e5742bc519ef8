// What the trainer's inner loops compute, as loops to be read: for f64, which checks gradients, for
// the instruction set "SCALAR", and for tests of training_kernels.h.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "runtime/kernels/matrix.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

// Operands of products lie in panels of so many columns, filled up with zeros.
inline constexpr int64_t kPanelColumns = 64;
// Rows of a right operand, and of whatever else kernels read by vectors, are readable up to a
// multiple of this: the longest vector.
inline constexpr int64_t kPaddedTo = 16;

[[nodiscard]] inline int64_t Padded(int64_t columns) {
  return (columns + kPaddedTo - 1) / kPaddedTo * kPaddedTo;
}

// The left operand of a product: element (i, k) is data[i * row + k * step], so that it may lie
// transposed.
template <class T>
struct LeftOperand {
  const T* data = nullptr;
  int64_t row = 0;
  int64_t step = 0;
};

// Of one AdamW step for some elements (adamw.cc).
template <class T>
struct AdamWFactors {
  T gradient_scale;
  T beta1, fresh1;  // of the mean; fresh: 1 - beta
  T beta2, fresh2;  // of the variance
  T rate, keep, root_bias2, epsilon;
};

namespace reference {

// out = base + left right, or left right where base has no data: [out.rows, out.cols] from
// right, [right.rows, out.cols], with rows padded. base may be out.
template <class T>
void Multiply(const LeftOperand<T>& left, MatrixView<const T> right, MatrixView<const T> base,
              MatrixView<T> out) {
  for (int64_t i = 0; i < out.rows; ++i) {
    for (int64_t j = 0; j < out.cols; ++j) {
      T sum = 0;
      for (int64_t k = 0; k < right.rows; ++k) {
        sum += left.data[i * left.row + k * left.step] * right.Row(k)[j];
      }
      out.Row(i)[j] = base.data == nullptr ? sum : base.Row(i)[j] + sum;
    }
  }
}

// panel[k][j] = rows[j][k]: up to kPanelColumns rows become the columns of a panel.
template <class T>
void PackRows(MatrixView<const T> rows, T* panel) {
  for (int64_t k = 0; k < rows.cols; ++k) {
    for (int64_t j = 0; j < kPanelColumns; ++j) {
      panel[k * kPanelColumns + j] = j < rows.rows ? rows.Row(j)[k] : T{0};
    }
  }
}

// panel[k][j] = columns[k][j]: up to kPanelColumns columns.
template <class T>
void PackColumns(MatrixView<const T> columns, T* panel) {
  for (int64_t k = 0; k < columns.rows; ++k) {
    T* to = panel + k * kPanelColumns;
    std::copy_n(columns.Row(k), columns.cols, to);
    std::fill(to + columns.cols, to + kPanelColumns, T{0});
  }
}

template <class T>
T InverseRms(const T* x, int64_t n, T eps) {
  double squares = 0;  // in f64: a long sum in f32 loses digits
  for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return static_cast<T>(1 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(eps)));
}

// y = g x r with r = 1 / sqrt(mean(x^2) + eps).
template <class T>
void NormRow(const T* x, const T* g, int64_t n, T eps, T* y) {
  const T r = InverseRms(x, n, eps);
  for (int64_t i = 0; i < n; ++i) y[i] = g[i] * x[i] * r;
}

// dx += r g dy - x r^3 / n sum(g dy x); dg += dy x r.
template <class T>
void NormGradientRow(const T* x, const T* g, const T* dy, int64_t n, T eps, T* dx, T* dg) {
  const T r = InverseRms(x, n, eps);
  double dot = 0;
  for (int64_t i = 0; i < n; ++i) dot += static_cast<double>(g[i] * dy[i] * x[i]);
  const T along = r * r * r * static_cast<T>(dot) / static_cast<T>(n);
  for (int64_t i = 0; i < n; ++i) {
    dx[i] += r * g[i] * dy[i] - along * x[i];
    dg[i] += dy[i] * x[i] * r;
  }
}

// A value of the activation function and its derivative there.
template <class T>
struct Curve {
  T value;
  T slope;
};

template <class T>
Curve<T> SiluAt(T x) {
  const T sigmoid = 1 / (1 + std::exp(-x));
  return {x * sigmoid, sigmoid * (1 + x * (1 - sigmoid))};
}

// The tanh form of GELU (Hendrycks & Gimpel, arXiv 1606.08415, section 2), as the decoder has it.
template <class T>
Curve<T> GeluAt(T x) {
  const T root = static_cast<T>(std::numbers::sqrt2 * std::numbers::inv_sqrtpi);  // sqrt(2 / pi)
  const T cubic = static_cast<T>(0.044715);
  const T tanh = std::tanh(root * (x + cubic * x * x * x));
  return {x / 2 * (1 + tanh),
          (1 + tanh) / 2 + x / 2 * (1 - tanh * tanh) * root * (1 + 3 * cubic * x * x)};
}

template <class T>
Curve<T> CurveOf(Ffn ffn, T x) {
  switch (ffn) {
    case Ffn::kSwiglu:
      return SiluAt(x);
    case Ffn::kGelu:
      return GeluAt(x);
    case Ffn::kRelu:
      return x > 0 ? Curve<T>{x, T{1}} : Curve<T>{T{0}, T{0}};
  }
  return {};
}

// hidden[n] from gate, which up lies behind with SwiGLU.
template <class T>
void ActivationRow(Ffn ffn, const T* gate, int64_t n, T* hidden) {
  for (int64_t i = 0; i < n; ++i) {
    const T value = CurveOf(ffn, gate[i]).value;
    hidden[i] = ffn == Ffn::kSwiglu ? value * gate[n + i] : value;
  }
}

// dgate, which dup lies behind with SwiGLU, from dhidden; hidden once more.
template <class T>
void ActivationGradientRow(Ffn ffn, const T* gate, const T* dhidden, int64_t n, T* hidden,
                           T* dgate) {
  for (int64_t i = 0; i < n; ++i) {
    const Curve<T> curve = CurveOf(ffn, gate[i]);
    const T dh = dhidden[i];
    if (ffn == Ffn::kSwiglu) {
      hidden[i] = curve.value * gate[n + i];
      dgate[i] = dh * gate[n + i] * curve.slope;
      dgate[n + i] = dh * curve.value;
    } else {
      hidden[i] = curve.value;
      dgate[i] = dh * curve.slope;
    }
  }
}

// The first `seen` of n products of a query and keys to their softmax after scaling, the others to
// zero. Returns the logarithm of the sum of exp(scaled score). row is readable and writable up to
// Padded(n).
template <class T>
T SoftmaxRow(T* row, int64_t seen, int64_t n, T scale) {
  const T greatest = *std::max_element(row, row + seen);
  T sum = 0;
  for (int64_t j = 0; j < seen; ++j) sum += std::exp(scale * (row[j] - greatest));
  const T log_sum = scale * greatest + std::log(sum);
  for (int64_t j = 0; j < seen; ++j) row[j] = std::exp(scale * row[j] - log_sum);
  std::fill(row + seen, row + n, T{0});
  return log_sum;
}

// p: products of a query and keys, to weights again; ds: dP, to the gradient of those products.
// Both like the row of SoftmaxRow.
template <class T>
void ScoreGradientRow(T* p, T* ds, int64_t seen, int64_t n, T scale, T log_sum, T row_sum) {
  for (int64_t j = 0; j < seen; ++j) {
    p[j] = std::exp(scale * p[j] - log_sum);
    ds[j] = scale * p[j] * (ds[j] - row_sum);
  }
  std::fill(p + seen, p + n, T{0});
  std::fill(ds + seen, ds + n, T{0});
}

// -log softmax(row)[target]; where `scale` is not 0 the row turns into the gradient of scale x
// that.
template <class T>
T CrossEntropyRow(T* row, int64_t n, int64_t target, T scale) {
  const T greatest = *std::max_element(row, row + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(std::exp(row[i] - greatest));
  const T log_sum = greatest + static_cast<T>(std::log(sum));
  const T loss = log_sum - row[target];
  if (scale == 0) return loss;
  for (int64_t i = 0; i < n; ++i) row[i] = scale * std::exp(row[i] - log_sum);
  row[target] -= scale;
  return loss;
}

// parameters, mean and variance of n elements, in place.
template <class T>
void AdamWStep(const AdamWFactors<T>& f, const T* gradient, int64_t n, T* parameters, T* mean,
               T* variance) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = f.gradient_scale * gradient[i];
    mean[i] = f.beta1 * mean[i] + f.fresh1 * g;
    variance[i] = f.beta2 * variance[i] + f.fresh2 * g * g;
    const T root = std::sqrt(variance[i]) / f.root_bias2;
    parameters[i] = f.keep * parameters[i] - f.rate * mean[i] / (root + f.epsilon);
  }
}

}  // namespace reference
}  // namespace deepthin::runtime

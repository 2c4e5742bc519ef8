#include "runtime/trainer/layers.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "runtime/kernels/kernels.h"
#include "runtime/kernels/training_kernels.h"

namespace deepthin::runtime {
namespace {

// Heads that are rotated at once are at least so wide.
constexpr int64_t kRopeWidth = 64;

// Pairs of a row, as the kernel Rope has it.
void RotateHeads(MatrixView<float> heads, const float* cos, const float* sin) {
  static const auto kernel = ActiveKernels().Rope;
  kernel(heads, cos, sin);
}

void RotateHeads(MatrixView<double> heads, const double* cos, const double* sin) {
  for (int64_t h = 0; h < heads.rows; ++h) {
    double* row = heads.Row(h);
    for (int64_t i = 0; i < heads.cols; i += 2) {
      const double a = row[i];
      const double b = row[i + 1];
      row[i] = a * cos[i] + b * sin[i];
      row[i + 1] = b * cos[i + 1] + a * sin[i + 1];
    }
  }
}

}  // namespace

template <class T>
void RmsNorm<T>::Forward(MatrixView<const T> x, const T* g, MatrixView<T> y) const {
  const auto norm_row = ActiveTrainingKernels<T>().NormRow;
  for (int64_t t = 0; t < x.rows; ++t) norm_row(x.Row(t), g, x.cols, eps, y.Row(t));
}

template <class T>
void RmsNorm<T>::AddBackward(MatrixView<const T> x, const T* g, MatrixView<const T> dy,
                             MatrixView<T> dx, T* dg) const {
  const auto gradient_row = ActiveTrainingKernels<T>().NormGradientRow;
  for (int64_t t = 0; t < x.rows; ++t) {
    gradient_row(x.Row(t), g, dy.Row(t), x.cols, eps, dx.Row(t), dg);
  }
}

template <class T>
Rope<T>::Rope(const ModelSpec& spec, int64_t sequence_length)
    : length_(sequence_length),
      rotated_(QueryDim(spec) + KvDim(spec)),
      width_(std::min((kRopeWidth + spec.head_dim - 1) / spec.head_dim * spec.head_dim, rotated_)) {
  for (int64_t position = 0; position < length_; ++position) {
    for (int64_t i = 0; i < width_; ++i) {
      const int64_t pair = i % spec.head_dim / 2;
      const double exponent = -static_cast<double>(2 * pair) / static_cast<double>(spec.head_dim);
      const double angle = static_cast<double>(position) * std::pow(spec.rope_theta, exponent);
      const double sin = (i % 2 == 0 ? -1 : 1) * std::sin(angle);
      cos_.push_back(static_cast<T>(std::cos(angle)));
      sin_.push_back(static_cast<T>(sin));
      back_.push_back(static_cast<T>(-sin));
    }
  }
}

template <class T>
void Rope<T>::Rotate(int64_t first, MatrixView<T> qkv, const std::vector<T>& sin) const {
  const int64_t whole = rotated_ / width_;
  for (int64_t t = 0; t < qkv.rows; ++t) {
    const int64_t at = (first + t) % length_ * width_;
    const T* cos_row = cos_.data() + at;
    const T* sin_row = sin.data() + at;
    RotateHeads(Dense(qkv.Row(t), whole, width_), cos_row, sin_row);
    RotateHeads(Dense(qkv.Row(t) + whole * width_, 1, rotated_ % width_), cos_row, sin_row);
  }
}

template <class T>
void Activation<T>::Forward(MatrixView<const T> gate_up, MatrixView<T> hidden) const {
  const auto activation_row = ActiveTrainingKernels<T>().ActivationRow;
  for (int64_t t = 0; t < hidden.rows; ++t) {
    activation_row(ffn, gate_up.Row(t), hidden.cols, hidden.Row(t));
  }
}

template <class T>
void Activation<T>::Backward(MatrixView<const T> gate_up, MatrixView<const T> dhidden,
                             MatrixView<T> hidden, MatrixView<T> dgate_up) const {
  const auto gradient_row = ActiveTrainingKernels<T>().ActivationGradientRow;
  for (int64_t t = 0; t < dhidden.rows; ++t) {
    gradient_row(ffn, gate_up.Row(t), dhidden.Row(t), dhidden.cols, hidden.Row(t), dgate_up.Row(t));
  }
}

template <class T>
void CrossEntropy(MatrixView<T> logits, std::span<const int32_t> targets, T scale,
                  std::span<T> losses) {
  const auto row_loss = ActiveTrainingKernels<T>().CrossEntropyRow;
  for (int64_t t = 0; t < logits.rows; ++t) {
    const auto at = static_cast<size_t>(t);
    losses[at] = row_loss(logits.Row(t), logits.cols, targets[at], scale);
  }
}

template struct RmsNorm<float>;
template struct RmsNorm<double>;
template class Rope<float>;
template class Rope<double>;
template struct Activation<float>;
template struct Activation<double>;
template void CrossEntropy<float>(MatrixView<float>, std::span<const int32_t>, float,
                                  std::span<float>);
template void CrossEntropy<double>(MatrixView<double>, std::span<const int32_t>, double,
                                   std::span<double>);

}  // namespace deepthin::runtime

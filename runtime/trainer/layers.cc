#include "runtime/trainer/layers.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <type_traits>

#include "runtime/kernels/kernels.h"
#include "runtime/kernels/training_kernels.h"
#include "runtime/trainer/tensor.h"

namespace deepthin::runtime {
namespace {

constexpr int64_t kGrainTokens = 8;
// Tokens whose share of a norm's gradient is one partial sum.
constexpr int64_t kTokensOfASum = 32;
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
  const auto& kernels = ActiveTrainingKernels<T>();
  const auto normalise = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) kernels.NormRow(x.Row(t), g, x.cols, eps, y.Row(t));
  };
  pool.ForRanges(x.rows, kGrainTokens, std::cref(normalise));
}

template <class T>
void RmsNorm<T>::AddBackward(MatrixView<const T> x, const T* g, MatrixView<const T> dy,
                             MatrixView<T> dx, T* dg) const {
  const auto& kernels = ActiveTrainingKernels<T>();
  Tensor<T> sums((x.rows + kTokensOfASum - 1) / kTokensOfASum, x.cols, "a norm's gradient");
  const auto back = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      kernels.NormGradientRow(x.Row(t), g, dy.Row(t), x.cols, eps, dx.Row(t),
                              sums.Row(t / kTokensOfASum));
    }
  };
  pool.ForRanges(x.rows, kTokensOfASum, std::cref(back));
  for (int64_t s = 0; s < sums.rows(); ++s) {
    const T* sum = sums.Row(s);
    for (int64_t i = 0; i < x.cols; ++i) dg[i] += sum[i];
  }
}

template <class T>
Rope<T>::Rope(const ModelSpec& spec, int64_t sequence_length, ThreadPool& pool)
    : length_(sequence_length),
      rotated_(QueryDim(spec) + KvDim(spec)),
      width_(std::min((kRopeWidth + spec.head_dim - 1) / spec.head_dim * spec.head_dim, rotated_)),
      pool_(pool) {
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
void Rope<T>::Rotate(MatrixView<T> qkv, const std::vector<T>& sin) const {
  const int64_t whole = rotated_ / width_;
  const auto rotate = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const T* cos_row = cos_.data() + t % length_ * width_;
      const T* sin_row = sin.data() + t % length_ * width_;
      RotateHeads(Dense(qkv.Row(t), whole, width_), cos_row, sin_row);
      RotateHeads(Dense(qkv.Row(t) + whole * width_, 1, rotated_ % width_), cos_row, sin_row);
    }
  };
  pool_.ForRanges(qkv.rows, kGrainTokens, std::cref(rotate));
}

template <class T>
void Activation<T>::Forward(MatrixView<const T> gate_up, MatrixView<T> hidden) const {
  const auto& kernels = ActiveTrainingKernels<T>();
  const auto activate = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      kernels.ActivationRow(ffn, gate_up.Row(t), hidden.cols, hidden.Row(t));
    }
  };
  pool.ForRanges(hidden.rows, kGrainTokens, std::cref(activate));
}

template <class T>
void Activation<T>::Backward(MatrixView<const T> gate_up, MatrixView<const T> dhidden,
                             MatrixView<T> hidden, MatrixView<T> dgate_up) const {
  const auto& kernels = ActiveTrainingKernels<T>();
  const auto back = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      kernels.ActivationGradientRow(ffn, gate_up.Row(t), dhidden.Row(t), dhidden.cols,
                                    hidden.Row(t), dgate_up.Row(t));
    }
  };
  pool.ForRanges(dhidden.rows, kGrainTokens, std::cref(back));
}

template <class T>
void CrossEntropy(ThreadPool& pool, MatrixView<T> logits, std::span<const int32_t> targets, T scale,
                  std::span<T> losses) {
  const auto& kernels = ActiveTrainingKernels<T>();
  const auto rows = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const auto at = static_cast<size_t>(t);
      losses[at] = kernels.CrossEntropyRow(logits.Row(t), logits.cols, targets[at], scale);
    }
  };
  pool.ForRanges(logits.rows, 1, std::cref(rows));
}

template struct RmsNorm<float>;
template struct RmsNorm<double>;
template class Rope<float>;
template class Rope<double>;
template struct Activation<float>;
template struct Activation<double>;
template void CrossEntropy<float>(ThreadPool&, MatrixView<float>, std::span<const int32_t>, float,
                                  std::span<float>);
template void CrossEntropy<double>(ThreadPool&, MatrixView<double>, std::span<const int32_t>,
                                   double, std::span<double>);

}  // namespace deepthin::runtime

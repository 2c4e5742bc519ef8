#include "runtime/trainer/layers.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

namespace deepthin::runtime {
namespace {

constexpr int64_t kGrainTokens = 8;
constexpr int64_t kGrainColumns = 16;

template <class T>
T InverseRms(const T* x, int64_t n, T eps) {
  double squares = 0;  // in f64: a long sum in f32 loses digits
  for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return static_cast<T>(1 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(eps)));
}

// A value of the activation function and its derivative there.
template <class T>
struct Curve {
  T value;
  T slope;
};

template <class T>
Curve<T> Silu(T x) {
  const T sigmoid = 1 / (1 + std::exp(-x));
  return {x * sigmoid, sigmoid * (1 + x * (1 - sigmoid))};
}

// The tanh form of GELU (Hendrycks & Gimpel, arXiv 1606.08415, section 2), as the decoder has it.
template <class T>
Curve<T> Gelu(T x) {
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
      return Silu(x);
    case Ffn::kGelu:
      return Gelu(x);
    case Ffn::kRelu:
      return x > 0 ? Curve<T>{x, T{1}} : Curve<T>{T{0}, T{0}};
  }
  return {};
}

}  // namespace

template <class T>
void RmsNorm<T>::Forward(MatrixView<const T> x, const T* g, MatrixView<T> y) const {
  const auto normalise = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const T r = InverseRms(x.Row(t), x.cols, eps);
      for (int64_t i = 0; i < x.cols; ++i) y.Row(t)[i] = g[i] * x.Row(t)[i] * r;
    }
  };
  pool.ForRanges(x.rows, kGrainTokens, std::cref(normalise));
}

// dx = r g dy - x r^3 / d sum(g dy x); dg = sum over tokens of dy x r.
template <class T>
void RmsNorm<T>::AddBackward(MatrixView<const T> x, const T* g, MatrixView<const T> dy,
                             MatrixView<T> dx, T* dg) const {
  std::vector<T> inverse(static_cast<size_t>(x.rows));
  const auto to_input = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const T* in = x.Row(t);
      const T r = InverseRms(in, x.cols, eps);
      inverse[static_cast<size_t>(t)] = r;
      double dot = 0;
      for (int64_t i = 0; i < x.cols; ++i) dot += static_cast<double>(g[i] * dy.Row(t)[i] * in[i]);
      const T along = r * r * r * static_cast<T>(dot) / static_cast<T>(x.cols);
      for (int64_t i = 0; i < x.cols; ++i) dx.Row(t)[i] += r * g[i] * dy.Row(t)[i] - along * in[i];
    }
  };
  pool.ForRanges(x.rows, kGrainTokens, std::cref(to_input));
  const auto to_weights = [&](int64_t begin, int64_t end) {
    for (int64_t t = 0; t < x.rows; ++t) {
      const T r = inverse[static_cast<size_t>(t)];
      for (int64_t i = begin; i < end; ++i) dg[i] += dy.Row(t)[i] * x.Row(t)[i] * r;
    }
  };
  pool.ForRanges(x.cols, kGrainColumns, std::cref(to_weights));
}

template <class T>
Rope<T>::Rope(const ModelSpec& spec, int64_t sequence_length, ThreadPool& pool)
    : length_(sequence_length),
      pairs_(spec.head_dim / 2),
      rotated_(QueryDim(spec) + KvDim(spec)),
      pool_(pool) {
  for (int64_t position = 0; position < length_; ++position) {
    for (int64_t i = 0; i < pairs_; ++i) {
      const double exponent = -static_cast<double>(2 * i) / static_cast<double>(spec.head_dim);
      const double angle = static_cast<double>(position) * std::pow(spec.rope_theta, exponent);
      cos_.push_back(static_cast<T>(std::cos(angle)));
      sin_.push_back(static_cast<T>(std::sin(angle)));
    }
  }
}

template <class T>
void Rope<T>::Rotate(MatrixView<T> qkv, T sign) const {
  const auto rotate = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      T* row = qkv.Row(t);
      const T* cos = cos_.data() + t % length_ * pairs_;
      const T* sin = sin_.data() + t % length_ * pairs_;
      for (int64_t i = 0; 2 * i < rotated_; ++i) {
        const T c = cos[i % pairs_];
        const T s = sign * sin[i % pairs_];
        const T a = row[2 * i];
        const T b = row[2 * i + 1];
        row[2 * i] = a * c - b * s;
        row[2 * i + 1] = a * s + b * c;
      }
    }
  };
  pool_.ForRanges(qkv.rows, kGrainTokens, std::cref(rotate));
}

template <class T>
void Activation<T>::Forward(MatrixView<const T> gate_up, MatrixView<T> hidden) const {
  const bool gated = ffn == Ffn::kSwiglu;
  const auto activate = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const T* in = gate_up.Row(t);
      const T* up = in + hidden.cols;
      for (int64_t i = 0; i < hidden.cols; ++i) {
        const T value = CurveOf(ffn, in[i]).value;
        hidden.Row(t)[i] = gated ? value * up[i] : value;
      }
    }
  };
  pool.ForRanges(hidden.rows, kGrainTokens, std::cref(activate));
}

template <class T>
void Activation<T>::Backward(MatrixView<const T> gate_up, MatrixView<const T> dhidden,
                             MatrixView<T> dgate_up) const {
  const bool gated = ffn == Ffn::kSwiglu;
  const auto back = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const T* in = gate_up.Row(t);
      T* din = dgate_up.Row(t);
      const int64_t n = dhidden.cols;
      for (int64_t i = 0; i < n; ++i) {
        const Curve<T> curve = CurveOf(ffn, in[i]);
        const T dh = dhidden.Row(t)[i];
        din[i] = gated ? dh * in[n + i] * curve.slope : dh * curve.slope;
        if (gated) din[n + i] = dh * curve.value;
      }
    }
  };
  pool.ForRanges(dhidden.rows, kGrainTokens, std::cref(back));
}

template <class T>
void CrossEntropy(ThreadPool& pool, MatrixView<T> logits, std::span<const int32_t> targets, T scale,
                  std::span<T> losses) {
  const auto rows = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      T* row = logits.Row(t);
      const auto target = targets[static_cast<size_t>(t)];
      const T greatest = *std::max_element(row, row + logits.cols);
      double sum = 0;
      for (int64_t i = 0; i < logits.cols; ++i) {
        sum += static_cast<double>(std::exp(row[i] - greatest));
      }
      const T log_sum = greatest + static_cast<T>(std::log(sum));
      losses[static_cast<size_t>(t)] = log_sum - row[target];
      if (scale == 0) continue;
      for (int64_t i = 0; i < logits.cols; ++i) row[i] = scale * std::exp(row[i] - log_sum);
      row[target] -= scale;
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

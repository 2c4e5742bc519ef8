#include "runtime/kernels/reference.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace deepthin::runtime::reference {
namespace {

double Dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace

void MatVec(ConstMatrix w, const float* x, float* y) {
  for (int64_t r = 0; r < w.rows; ++r) y[r] = static_cast<float>(Dot(w.Row(r), x, w.cols));
}

void MatMul(ConstMatrix w, ConstMatrix x, MutableMatrix y) {
  for (int64_t t = 0; t < x.rows; ++t) MatVec(w, x.Row(t), y.Row(t));
}

void AttentionScores(float scale, ConstMatrix q, ConstMatrix k, MutableMatrix scores) {
  for (int64_t i = 0; i < q.rows; ++i) {
    for (int64_t p = 0; p < k.rows; ++p) {
      scores.Row(i)[p] =
          static_cast<float>(static_cast<double>(scale) * Dot(q.Row(i), k.Row(p), q.cols));
    }
  }
}

float SoftmaxStep(float* scores, int64_t n, SoftmaxState* state) {
  const float max = std::max(state->max, *std::max_element(scores, scores + n));
  const float scale = std::exp(state->max - max);
  double sum = static_cast<double>(state->sum) * static_cast<double>(scale);
  for (int64_t i = 0; i < n; ++i) {
    scores[i] = std::exp(scores[i] - max);
    sum += static_cast<double>(scores[i]);
  }
  *state = {.max = max, .sum = static_cast<float>(sum)};
  return scale;
}

void AttentionValues(ConstMatrix probs, ConstMatrix v, const float* scales, MutableMatrix out) {
  for (int64_t i = 0; i < out.rows; ++i) {
    for (int64_t c = 0; c < out.cols; ++c) {
      double sum = static_cast<double>(scales[i]) * static_cast<double>(out.Row(i)[c]);
      for (int64_t p = 0; p < v.rows; ++p) {
        sum += static_cast<double>(probs.Row(i)[p]) * static_cast<double>(v.Row(p)[c]);
      }
      out.Row(i)[c] = static_cast<float>(sum);
    }
  }
}

void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* out) {
  const double mean_square = Dot(x, x, n) / static_cast<double>(n);
  const double scale = 1.0 / std::sqrt(mean_square + static_cast<double>(eps));
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(static_cast<double>(x[i]) * scale * static_cast<double>(weight[i]));
  }
}

void Rope(MutableMatrix heads, const float* cos, const float* sin) {
  for (int64_t h = 0; h < heads.rows; ++h) {
    float* row = heads.Row(h);
    for (int64_t i = 0; i < heads.cols; i += 2) {
      const float a = row[i];
      const float b = row[i + 1];
      row[i] = a * cos[i] + b * sin[i];
      row[i + 1] = b * cos[i + 1] + a * sin[i + 1];
    }
  }
}

void SwiGlu(float* gate, const float* up, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const double g = static_cast<double>(gate[i]);
    gate[i] = static_cast<float>(g / (1.0 + std::exp(-g)) * static_cast<double>(up[i]));
  }
}

void Gelu(float* x, int64_t n) {
  const double sqrt_2_over_pi = std::sqrt(2.0 * std::numbers::inv_pi);
  for (int64_t i = 0; i < n; ++i) {
    const double v = static_cast<double>(x[i]);
    x[i] = static_cast<float>(0.5 * v *
                              (1.0 + std::tanh(sqrt_2_over_pi * (v + 0.044715 * v * v * v))));
  }
}

void Relu(float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = std::max(x[i], 0.0F);
}

void Axpy(float a, const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

}  // namespace deepthin::runtime::reference

#include "runtime/kernels/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

namespace deepthin::runtime::reference {
namespace {

double Dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

template <class DotOf>
void ForAllOutputs(const WeightMatrix& w, const ActivationView& x, MutableMatrix y,
                   const DotOf& dot) {
  for (int64_t t = 0; t < x.rows; ++t) {
    for (int64_t r = 0; r < w.rows; ++r) y.Row(t)[r] = static_cast<float>(dot(r, t));
  }
}

void MatMulOfFloats(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  std::vector<float> row(static_cast<size_t>(w.cols));
  for (int64_t r = 0; r < w.rows; ++r) {
    Dequantize(w, r, r + 1, row.data());
    for (int64_t t = 0; t < x.rows; ++t) {
      y.Row(t)[r] = static_cast<float>(Dot(row.data(), x.Values(t), w.cols));
    }
  }
}

// Element number `element`, which belongs to position p.
double KvElement(const KvView& view, int64_t p, int64_t element) {
  switch (view.dtype) {
    case Dtype::kF16: {
      uint16_t bits = 0;
      std::memcpy(&bits, view.data + 2 * element, sizeof(bits));
      return static_cast<double>(FloatFromF16(bits));
    }
    case Dtype::kInt8:
      return static_cast<double>(view.scales[p]) *
             static_cast<double>(static_cast<int8_t>(view.data[element]));
    default:
      return static_cast<double>(reinterpret_cast<const float*>(view.data)[element]);
  }
}

// sum_i value(i) q[i] over n numbers.
template <class Value>
int64_t IntegerDot(const Value& value, const int8_t* q, int64_t n) {
  int64_t sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += int64_t{value(i)} * q[i];
  return sum;
}

template <class Group, class Value>
void MatMulOfGroups(const WeightMatrix& w, const ActivationView& x, MutableMatrix y,
                    const Value& value) {
  ForAllOutputs(w, x, y, [&](int64_t r, int64_t t) {
    double sum = 0;
    for (int64_t g = 0; g * kGroup < w.cols; ++g) {
      const Group& group = reinterpret_cast<const Group*>(w.Row(r))[g];
      const int64_t products =
          IntegerDot([&](int64_t i) { return value(group, i); }, x.Quantized(t) + g * kGroup,
                     std::min(kGroup, w.cols - g * kGroup));
      sum += static_cast<double>(products) * static_cast<double>(ScaleOf(group.scale)) *
             static_cast<double>(x.Scales(t)[g]);
    }
    return sum;
  });
}

// Scale, and x in units of it.
void Quantize(const float* x, int64_t n, int8_t* quantized, float* scale) {
  float amax = 0;
  for (int64_t i = 0; i < n; ++i) amax = std::max(amax, std::abs(x[i]));
  *scale = amax / 127.0F;
  const float inverse = amax == 0 ? 0.0F : 127.0F / amax;
  for (int64_t i = 0; i < n; ++i) {
    quantized[i] = static_cast<int8_t>(std::clamp(std::nearbyint(x[i] * inverse), -127.0F, 127.0F));
  }
}

}  // namespace

void MatMulF32(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfFloats(w, x, y);
}
void MatMulF16(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfFloats(w, x, y);
}
void MatMulBf16(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfFloats(w, x, y);
}

void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfGroups<Q8Group>(w, x, y, [](const Q8Group& group, int64_t i) { return group.values[i]; });
}

void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  MatMulOfGroups<Q4Group>(w, x, y, [](const Q4Group& group, int64_t i) {
    const int both = group.values[i % (kGroup / 2)];
    return (i < kGroup / 2 ? both & 0xf : both >> 4) - 8;
  });
}

void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y) {
  ForAllOutputs(w, x, y, [&](int64_t r, int64_t t) {
    const auto* row = reinterpret_cast<const int8_t*>(w.Row(r));
    const int64_t products = IntegerDot([&](int64_t i) { return row[i]; }, x.Quantized(t), w.cols);
    return static_cast<double>(products) * static_cast<double>(w.row_scales[r]) *
           static_cast<double>(*x.Scales(t));
  });
}

void QuantizeGroups(const float* x, int64_t n, int8_t* quantized, float* scales) {
  std::fill(quantized + n, quantized + PaddedCols(n), int8_t{0});
  for (int64_t i = 0; i < n; i += kGroup) {
    Quantize(x + i, std::min(kGroup, n - i), quantized + i, scales + i / kGroup);
  }
}

void QuantizeRow(const float* x, int64_t n, int8_t* quantized, float* scales) {
  std::fill(quantized + n, quantized + PaddedCols(n), int8_t{0});
  Quantize(x, n, quantized, scales);
}

void AttentionScores(float scale, ConstMatrix q, const KvView& keys, int64_t n,
                     MutableMatrix scores) {
  for (int64_t i = 0; i < q.rows; ++i) {
    for (int64_t p = 0; p < n; ++p) {
      double sum = 0;
      for (int64_t c = 0; c < q.cols; ++c) {
        const int64_t element = (p / kKeyBlock * q.cols + c) * kKeyBlock + p % kKeyBlock;
        sum += static_cast<double>(q.Row(i)[c]) * KvElement(keys, p, element);
      }
      scores.Row(i)[p] = static_cast<float>(static_cast<double>(scale) * sum);
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

void AttentionValues(ConstMatrix probs, const KvView& values, const float* scales,
                     MutableMatrix out) {
  for (int64_t i = 0; i < out.rows; ++i) {
    for (int64_t c = 0; c < out.cols; ++c) {
      double sum = static_cast<double>(scales[i]) * static_cast<double>(out.Row(i)[c]);
      for (int64_t p = 0; p < probs.cols; ++p) {
        sum += static_cast<double>(probs.Row(i)[p]) * KvElement(values, p, p * out.cols + c);
      }
      out.Row(i)[c] = static_cast<float>(sum);
    }
  }
}

void ToF16(const float* x, int64_t n, uint16_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = F16FromFloat(x[i]);
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

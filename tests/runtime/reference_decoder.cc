#include "tests/runtime/reference_decoder.h"

#include <algorithm>
#include <cmath>

#include "runtime/kernels/activations.h"

namespace deepthin::runtime {
namespace {

constexpr double kUnitRoundoff = 0x1p-24;
// Of one elementwise f32 function (exp, division, products), in units of roundoff.
constexpr double kElementwise = 8;

void AddTo(std::vector<double>& x, const std::vector<double>& y) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

bool IsFine(const Weights& weights, Dtype kv) {
  return kv == Dtype::kF32 && weights.embedding.dtype == Dtype::kF32 &&
         weights.blocks.front().w_up.dtype == Dtype::kF32;
}

}  // namespace

ReferencePass::ReferencePass(const Weights& weights, Dtype kv, std::optional<uint32_t> noise_seed)
    : weights_(weights), kv_(kv), order_(ExecutionOrder(weights.spec)), entries_(order_) {
  if (noise_seed) noise_.emplace(*noise_seed);
  for (size_t i = 0; i < order_.size(); ++i) {
    if (weights.spec.kv_policy == KvPolicy::kPerOccurrence) entries_[i] = static_cast<int64_t>(i);
  }
  keys_.resize(order_.size() + weights.blocks.size());
  values_.resize(keys_.size());
}

double ReferencePass::Uniform() {
  if (!noise_) return 0;
  return static_cast<double>((*noise_)()) * 0x1p-31 - 1;
}

double ReferencePass::Noise() { return kUnitRoundoff * Uniform(); }

void ReferencePass::DisturbAsInt8(Vector& x, size_t begin, size_t end) {
  double amax = 0;
  for (size_t i = begin; i < end; ++i) amax = std::max(amax, std::abs(x[i]));
  for (size_t i = begin; i < end; ++i) x[i] += Uniform() * amax / 254;
}

ReferencePass::Vector ReferencePass::AsMultipliedWith(const WeightMatrix& matrix, const Vector& x) {
  Vector out = x;
  switch (FormFor(matrix.dtype)) {
    case ActivationForm::kFloats:
      if (matrix.dtype == Dtype::kBf16) {  // kernels for bf16 may round to it: 8 bits
        for (double& v : out) v *= 1 + Uniform() * 0x1p-9;
      }
      break;
    case ActivationForm::kGroups:
      for (size_t i = 0; i < x.size(); i += 32) {
        DisturbAsInt8(out, i, std::min(i + 32, x.size()));
      }
      break;
    case ActivationForm::kRows:
      DisturbAsInt8(out, 0, x.size());
      break;
  }
  return out;
}

ReferencePass::Vector ReferencePass::AsCached(const Vector& x) {
  Vector out = x;
  if (kv_ == Dtype::kInt8) DisturbAsInt8(out, 0, out.size());
  if (kv_ == Dtype::kF16) {  // 11 bits, and steps of 2^-24 where it is subnormal
    for (double& v : out) v += Uniform() * (std::abs(v) * 0x1p-11 + 0x1p-25);
  }
  return out;
}

// A sum of n products is off by at most (n + 2) u times the sum of their magnitudes.
ReferencePass::Vector ReferencePass::Times(const WeightMatrix& matrix, const Vector& exact_x) {
  const Vector x = AsMultipliedWith(matrix, exact_x);
  Vector y(static_cast<size_t>(matrix.rows));
  std::vector<float> row(x.size());
  for (size_t r = 0; r < y.size(); ++r) {
    Dequantize(matrix, static_cast<int64_t>(r), static_cast<int64_t>(r) + 1, row.data());
    double magnitude = 0;
    for (size_t c = 0; c < x.size(); ++c) {
      const double product = static_cast<double>(row[c]) * x[c];
      y[r] += product;
      magnitude += std::abs(product);
    }
    y[r] += Noise() * static_cast<double>(x.size() + 2) * magnitude;
  }
  return y;
}

ReferencePass::Vector ReferencePass::RmsNormalised(std::span<const float> weight) {
  const auto n = static_cast<double>(x_.size());
  double mean_square = 0;
  for (const double v : x_) mean_square += v * v / n;
  const double scale = (1 + Noise() * (n + 4)) / std::sqrt(mean_square + weights_.spec.norm_eps);
  Vector y(x_.size());
  for (size_t i = 0; i < x_.size(); ++i) {
    y[i] = x_[i] * scale * static_cast<double>(weight[i]) * (1 + Noise() * 2);
  }
  return y;
}

// Pair i of each head turns by position x theta^(-2i / head_dim).
void ReferencePass::Rotate(Vector& heads) {
  const auto head_dim = static_cast<size_t>(weights_.spec.head_dim);
  for (size_t i = 0; i < heads.size(); i += 2) {
    const double exponent = static_cast<double>(i % head_dim) / static_cast<double>(head_dim);
    const double angle =
        static_cast<double>(position_) / std::pow(weights_.spec.rope_theta, exponent);
    const double a = heads[i];
    const double b = heads[i + 1];
    const double noise = 3 * (std::abs(a) + std::abs(b));
    heads[i] = a * std::cos(angle) - b * std::sin(angle) + Noise() * noise;
    heads[i + 1] = a * std::sin(angle) + b * std::cos(angle) + Noise() * noise;
  }
}

ReferencePass::Vector ReferencePass::Hidden(const BlockWeights& w, const Vector& x) {
  const Ffn ffn = weights_.spec.ffn;
  Vector hidden = Times(w.w_up, x);
  const Vector gate = ffn == Ffn::kSwiglu ? Times(w.w_gate, x) : Vector(hidden.size());
  for (size_t i = 0; i < hidden.size(); ++i) {
    const double v = hidden[i];
    if (ffn == Ffn::kSwiglu) hidden[i] = gate[i] / (1 + std::exp(-gate[i])) * v;
    if (ffn == Ffn::kRelu) hidden[i] = v > 0 ? v : 0;
    if (ffn == Ffn::kGelu) {
      const double u = std::sqrt(2 / std::acos(-1.0)) * (v + 0.044715 * v * v * v);
      hidden[i] = v / 2 * (1 + std::tanh(u));
    }
    hidden[i] *= 1 + Noise() * kElementwise;
  }
  return hidden;
}

std::vector<double> ReferencePass::Step(int32_t token) {
  const auto d = static_cast<size_t>(weights_.spec.d_model);
  std::vector<float> row(d);
  Dequantize(weights_.embedding, token, token + 1, row.data());
  x_.assign(row.begin(), row.end());
  for (size_t i = 0; i < order_.size(); ++i) Block(i);
  ++position_;
  return Times(weights_.head, RmsNormalised(weights_.final_norm));
}

void ReferencePass::Block(size_t executed) {
  const BlockWeights& w = weights_.blocks[static_cast<size_t>(order_[executed])];
  const auto entry = static_cast<size_t>(entries_[executed]);

  const Vector attn_in = RmsNormalised(w.attn_norm);
  Vector q = Times(w.wq, attn_in);
  Vector k = Times(w.wk, attn_in);
  Rotate(q);
  Rotate(k);
  keys_[entry].resize(position_ + 1);
  values_[entry].resize(position_ + 1);
  keys_[entry][position_] =
      AsCached(k);  // over that of an earlier occurrence, if they share the entry
  values_[entry][position_] = AsCached(Times(w.wv, attn_in));
  AddTo(x_, Times(w.wo, Attend(entry, q)));
  AddTo(x_, Times(w.w_down, Hidden(w, RmsNormalised(w.ffn_norm))));
}

ReferencePass::Vector ReferencePass::Attend(size_t entry, const Vector& q) {
  const auto head_dim = static_cast<size_t>(weights_.spec.head_dim);
  const auto group = static_cast<size_t>(weights_.spec.n_heads / weights_.spec.n_kv_heads);
  const auto n = static_cast<double>(position_ + 1);
  Vector out(q.size());
  for (size_t head = 0; head * head_dim < q.size(); ++head) {
    const size_t kv = head / group * head_dim;  // where the head's key and value begin
    Vector weight(position_ + 1);
    double largest = -INFINITY;
    for (size_t p = 0; p <= position_; ++p) {
      double magnitude = 0;
      for (size_t c = 0; c < head_dim; ++c) {
        const double product = q[head * head_dim + c] * keys_[entry][p][kv + c];
        weight[p] += product;
        magnitude += std::abs(product);
      }
      weight[p] += Noise() * static_cast<double>(head_dim + 4) * magnitude;
      weight[p] /= std::sqrt(static_cast<double>(head_dim));
      largest = std::max(largest, weight[p]);
    }
    double sum = 0;
    for (double& v : weight) {  // exp of a difference that has been rounded
      const double distance = largest - v;
      v = std::exp(-distance) * (1 + Noise() * (kElementwise + distance));
      sum += v;
    }
    sum *= 1 + Noise() * (n + 2);
    for (size_t c = 0; c < head_dim; ++c) {
      double magnitude = 0;
      double& result = out[head * head_dim + c];
      for (size_t p = 0; p <= position_; ++p) {
        const double product = weight[p] / sum * values_[entry][p][kv + c];
        result += product;
        magnitude += std::abs(product);
      }
      result += Noise() * (n + 4) * magnitude;
    }
  }
  return out;
}

ReferenceDecoder::ReferenceDecoder(const Weights& weights, Dtype kv)
    : exact_(weights, kv, std::nullopt) {
  // f32 rounding is thousands of small errors, whose sum two passes show; rounding to a coarse
  // format is few large ones in a small model. Of 4,000 models one went beyond 4 x the largest
  // deviation of 16 passes, by 1.7.
  const bool fine = IsFine(weights, kv);
  deviations_allowed_ = fine ? 4 : 12;
  const uint32_t passes = fine ? 2 : 16;
  for (uint32_t seed = 1; seed <= passes; ++seed) disturbed_.emplace_back(weights, kv, seed);
}

std::vector<double> ReferenceDecoder::Step(int32_t token) {
  std::vector<double> logits = exact_.Step(token);
  double deviation = 0;
  for (ReferencePass& pass : disturbed_) {
    const std::vector<double> disturbed = pass.Step(token);
    for (size_t i = 0; i < logits.size(); ++i) {
      deviation = std::max(deviation, std::abs(disturbed[i] - logits[i]));
    }
  }
  tolerance_ = deviations_allowed_ * deviation;
  return logits;
}

}  // namespace deepthin::runtime

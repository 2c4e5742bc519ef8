// ReferenceDecoder: the same model in double precision, one token at a time, as a textbook has it.
// Shares no code with runtime/ but the Weights struct: an oracle for the decoder.
//
// How far f32 may be off depends on the model (a normalisation of a nearly cancelled vector
// magnifies every error before it), so it is found by trying: beside the exact pass run others in
// which each operation is off by a random part of what f32 rounding can do to it at most. What is
// rounded to a coarser format on the way (activations that int8 weights are multiplied with, keys
// and values) is exact in the exact pass, and off by up to half a step of that format in the
// others.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "runtime/weights.h"

namespace deepthin::runtime {

// One pass over a sequence, with a context of its own.
class ReferencePass {
 public:
  // Exact without a seed; with one, disturbed by rounding errors drawn from it.
  ReferencePass(const Weights& weights, Dtype kv, std::optional<uint32_t> noise_seed);

  std::vector<double> Step(int32_t token);
  // [d_model] of the last token, behind the last block and before the final norm.
  [[nodiscard]] const std::vector<double>& residual() const { return x_; }

 private:
  using Vector = std::vector<double>;

  Vector Times(const WeightMatrix& matrix, const Vector& x);
  Vector RmsNormalised(std::span<const float> weight);
  void Rotate(Vector& heads);
  Vector Hidden(const BlockWeights& w, const Vector& x);
  void Block(size_t executed);
  Vector Attend(size_t entry, const Vector& q);
  // Uniform in [-1, 1]; 0 in the exact pass.
  double Uniform();
  // The same in units of f32 rounding.
  double Noise();
  // What the matrix is multiplied with, off as its int8 form may be.
  Vector AsMultipliedWith(const WeightMatrix& matrix, const Vector& x);
  Vector AsCached(const Vector& x);
  // Elements [begin, end) off by up to half a step of int8 with one scale.
  void DisturbAsInt8(Vector& x, size_t begin, size_t end);

  const Weights& weights_;
  Dtype kv_;
  std::optional<std::mt19937> noise_;
  Vector x_;
  std::vector<int64_t> order_;
  std::vector<int64_t> entries_;
  std::vector<std::vector<Vector>> keys_;    // [entry][position]
  std::vector<std::vector<Vector>> values_;  // [entry][position]
  size_t position_ = 0;
};

class ReferenceDecoder {
 public:
  explicit ReferenceDecoder(const Weights& weights, Dtype kv = Dtype::kF32);

  // Logits behind the token at the next position.
  std::vector<double> Step(int32_t token);

  // How far each f32 logit of the last step may be off: a multiple of the largest deviation of any
  // logit in any disturbed pass.
  [[nodiscard]] double Tolerance() const { return tolerance_; }

 private:
  ReferencePass exact_;
  std::vector<ReferencePass> disturbed_;
  double deviations_allowed_ = 0;
  double tolerance_ = 0;
};

}  // namespace deepthin::runtime

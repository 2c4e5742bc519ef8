// What lies between the trainer's products, forward and backward: RMSNorm, RoPE, the activation of
// the feed-forward network, the cross-entropy. A token is a row. On the calling thread, for as many
// tokens as it is given.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/kernels/matrix.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

// y = g x r with r = 1 / sqrt(mean(x^2) + eps) (Zhang & Sennrich, arXiv 1910.07467, equation 4).
template <class T>
struct RmsNorm {
  T eps;

  // x, y: [tokens, d_model]; g: [d_model].
  void Forward(MatrixView<const T> x, const T* g, MatrixView<T> y) const;
  // dx += the gradient through the norm; dg += its weights' gradient.
  void AddBackward(MatrixView<const T> x, const T* g, MatrixView<const T> dy, MatrixView<T> dx,
                   T* dg) const;
};

// Rotates pair (2i, 2i + 1) of each head by position x theta^(-2i / head_dim) (Su et al., arXiv
// 2104.09864, equation 15). Sequences of one length lie one behind the other.
template <class T>
class Rope {
 public:
  Rope(const ModelSpec& spec, int64_t sequence_length);

  // Queries and keys of qkv, [tokens, (n_heads + 2 n_kv_heads) head_dim], whose first token is
  // number `first` of the batch.
  void Forward(int64_t first, MatrixView<T> qkv) const { Rotate(first, qkv, sin_); }
  // Their gradients, back: the inverse of a rotation is its transpose.
  void Backward(int64_t first, MatrixView<T> dqkv) const { Rotate(first, dqkv, back_); }

 private:
  void Rotate(int64_t first, MatrixView<T> qkv, const std::vector<T>& sin) const;

  int64_t length_;
  int64_t rotated_;  // columns: queries and keys
  int64_t width_;    // of the tables: some heads, so that short ones fill vectors, too
  // [sequence_length, width]: an element and the other of its pair times these two are the rotated
  // element.
  std::vector<T> cos_;
  std::vector<T> sin_;
  std::vector<T> back_;  // -sin
};

// The hidden layer from the products with gate and up (SwiGLU: [tokens, 2 d_ff]) or up alone.
template <class T>
struct Activation {
  Ffn ffn;

  void Forward(MatrixView<const T> gate_up, MatrixView<T> hidden) const;
  // dgate_up from dhidden, and hidden once more; both overwritten.
  void Backward(MatrixView<const T> gate_up, MatrixView<const T> dhidden, MatrixView<T> hidden,
                MatrixView<T> dgate_up) const;
};

// losses[t] = -log softmax(logits[t])[targets[t]] in nats; where `scale` is not 0 the logits turn
// into their gradient of scale x the sum of the losses. REQUIRES: targets in [0, logits.cols).
template <class T>
void CrossEntropy(MatrixView<T> logits, std::span<const int32_t> targets, T scale,
                  std::span<T> losses);

}  // namespace deepthin::runtime

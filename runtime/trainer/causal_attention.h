// Causal grouped-query attention over whole sequences, forward and backward, as FlashAttention has
// it: of the weights only the logarithm of each row's sum is kept, and the backward pass computes
// them again (Dao et al., arXiv 2205.14135; Dao, arXiv 2307.08691, algorithm 2). A tile is some
// query positions of a head by all positions before their end, so that memory grows with the
// length of a sequence, not with its square.
#pragma once

#include <cstdint>

#include "runtime/kernels/matrix.h"
#include "runtime/thread_pool.h"
#include "runtime/trainer/forward_observer.h"
#include "runtime/trainer/products.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

// Sequences of one length lie one behind the other; a token is a row.
template <class T>
class CausalAttention {
 public:
  // The pool outlives it. `precision` is that of products; weights are found in T either way.
  // REQUIRES: Validate(spec); as ProductKernelsFor does.
  CausalAttention(const ModelSpec& spec, int64_t sequence_length, ThreadPool& pool,
                  ProductPrecision precision = ProductPrecision::kF32);

  // qkv: [tokens, (n_heads + 2 n_kv_heads) head_dim], queries and keys rotated.
  // out: [tokens, n_heads head_dim]. log_sums: [tokens, n_heads], the natural logarithm of the sum
  // of exp(score), for Backward. on_tile, where it is not empty, sees every tile of weights.
  void Forward(MatrixView<const T> qkv, MatrixView<T> out, MatrixView<T> log_sums,
               const AttentionTileCall<T>& on_tile = {});

  // row_sums: [tokens, n_heads], of dout out over a head, for Backward. On the calling thread, for
  // some tokens.
  void RowSums(MatrixView<const T> out, MatrixView<const T> dout, MatrixView<T> row_sums) const;

  // dqkv from dout, with what Forward took and gave and RowSums gave. dqkv is overwritten.
  void Backward(MatrixView<const T> qkv, MatrixView<const T> log_sums, MatrixView<const T> dout,
                MatrixView<const T> row_sums, MatrixView<T> dqkv);

 private:
  struct Scratch;  // memory of one thread

  // body(scratch, first row, key/value head) for each sequence and head.
  template <class Body>
  void ForItems(int64_t tokens, const Body& body);

  ModelSpec spec_;
  int64_t length_;
  ThreadPool& pool_;
  ProductKernels<T> products_;
};

}  // namespace deepthin::runtime

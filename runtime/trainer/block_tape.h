// BlockTape: what the backward pass needs of one executed block. A row is a token.
#pragma once

#include <cstdint>

#include "runtime/trainer/parameters.h"
#include "runtime/trainer/tensor.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

template <class T>
struct BlockTape {
  BlockTape(const ModelSpec& spec, const BlockPlaces& places, int64_t tokens)
      : qkv(tokens, places.qkv.rows, kWhat),
        attended(tokens, QueryDim(spec), kWhat),
        log_sums(tokens, spec.n_heads, kWhat),
        middle(tokens, spec.d_model, kWhat),
        gate_up(tokens, places.gate_up.rows, kWhat),
        out(tokens, spec.d_model, kWhat) {}

  static constexpr const char* kWhat = "the activations of a training step";
  Tensor<T> qkv;       // queries and keys rotated
  Tensor<T> attended;  // [tokens, n_heads head_dim]
  Tensor<T> log_sums;  // [tokens, n_heads]
  Tensor<T> middle;    // the residual stream behind attention
  Tensor<T> gate_up;   // before the activation
  Tensor<T> out;       // the residual stream behind the block
};

}  // namespace deepthin::runtime

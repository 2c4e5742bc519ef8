// Weights of one model in memory, each matrix in a storage format of its own. Views into storage
// that the value keeps alive: copying is cheap.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/kernels/weight_matrix.h"
#include "spec/model_spec.h"
#include "spec/precision.h"

namespace deepthin::runtime {

class ThreadPool;

struct BlockWeights {
  std::span<const float> attn_norm;  // [d_model]
  WeightMatrix wq;                   // [n_heads * head_dim, d_model]
  WeightMatrix wk;                   // [n_kv_heads * head_dim, d_model]
  WeightMatrix wv;                   // [n_kv_heads * head_dim, d_model]
  WeightMatrix wo;                   // [d_model, n_heads * head_dim]
  std::span<const float> ffn_norm;   // [d_model]
  WeightMatrix w_gate;               // [d_ff, d_model]; empty unless SwiGLU
  WeightMatrix w_up;                 // [d_ff, d_model]
  WeightMatrix w_down;               // [d_model, d_ff]
};

// The matrices of a block, in the order of their products.
inline constexpr WeightMatrix BlockWeights::*kBlockMatrices[] = {
    &BlockWeights::wq,     &BlockWeights::wk,   &BlockWeights::wv,    &BlockWeights::wo,
    &BlockWeights::w_gate, &BlockWeights::w_up, &BlockWeights::w_down};

struct Weights {
  ModelSpec spec;
  WeightMatrix embedding;             // [vocab_size, d_model]
  std::vector<BlockWeights> blocks;   // [n_blocks], stored
  std::span<const float> final_norm;  // [d_model]
  WeightMatrix head;                  // [vocab_size, d_model]; the embedding itself if tied
  std::shared_ptr<const void> storage;
};

[[nodiscard]] Bytes MatrixBytesOf(const BlockWeights& block);

// Bytes of all tensors; a tied table counts once.
[[nodiscard]] Bytes WeightBytesOf(const Weights& weights);

// Deterministic in (spec's shapes, seed) on every machine and for every thread count: the same
// bits. Nearly normal (sums of four uniform numbers) with the usual 1/sqrt(fan-in) scale, norms 1,
// so that logits stay finite through any depth. Other formats than f32 hold what QuantizeRow makes
// of the same numbers. Throws InputError where the spec is not valid, EnvironmentError where memory
// does not suffice.
[[nodiscard]] Weights RandomWeights(const ModelSpec& spec, uint64_t seed, ThreadPool& pool,
                                    const Precision& precision = kF32);

// The same weights in the formats of `precision`. Throws EnvironmentError where memory does not
// suffice.
[[nodiscard]] Weights ConvertWeights(const Weights& weights, const Precision& precision,
                                     ThreadPool& pool);

}  // namespace deepthin::runtime

// Weights of one model in memory, f32. Views into storage that the value keeps alive: copying is
// cheap.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "spec/model_spec.h"

namespace deepthin::runtime {

class ThreadPool;

// Matrices are row-major, [rows = outputs, cols = inputs].
struct BlockWeights {
  std::span<const float> attn_norm;  // [d_model]
  std::span<const float> wq;         // [n_heads * head_dim, d_model]
  std::span<const float> wk;         // [n_kv_heads * head_dim, d_model]
  std::span<const float> wv;         // [n_kv_heads * head_dim, d_model]
  std::span<const float> wo;         // [d_model, n_heads * head_dim]
  std::span<const float> ffn_norm;   // [d_model]
  std::span<const float> w_gate;     // [d_ff, d_model]; empty unless SwiGLU
  std::span<const float> w_up;       // [d_ff, d_model]
  std::span<const float> w_down;     // [d_model, d_ff]
};

struct Weights {
  ModelSpec spec;
  std::span<const float> embedding;   // [vocab_size, d_model]
  std::vector<BlockWeights> blocks;   // [n_blocks], stored
  std::span<const float> final_norm;  // [d_model]
  std::span<const float> head;        // [vocab_size, d_model]; the embedding itself if tied
  std::shared_ptr<const void> storage;
};

// Deterministic in (spec's shapes, seed) on every machine and for every thread count: the same
// bits. Nearly normal (sums of four uniform numbers) with the usual 1/sqrt(fan-in) scale, norms 1,
// so that logits stay finite through any depth. Throws InputError where the spec is not valid,
// EnvironmentError where memory does not suffice.
[[nodiscard]] Weights RandomWeights(const ModelSpec& spec, uint64_t seed, ThreadPool& pool);

}  // namespace deepthin::runtime

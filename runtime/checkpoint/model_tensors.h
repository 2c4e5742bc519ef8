// The tensors of a model under the names that files give them, in one table for all formats.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/weights.h"

namespace deepthin::runtime {

// Below "blk.N." in GGUF and "model.layers.N." in safetensors. One of matrix and norm is set.
struct BlockTensor {
  std::string_view gguf;
  std::string_view hf;
  WeightMatrix BlockWeights::*matrix = nullptr;
  std::span<const float> BlockWeights::*norm = nullptr;
};

// In the order in which files of ours have them.
inline constexpr BlockTensor kBlockTensors[] = {
    {"attn_norm.weight", "input_layernorm.weight", nullptr, &BlockWeights::attn_norm},
    {"attn_q.weight", "self_attn.q_proj.weight", &BlockWeights::wq},
    {"attn_k.weight", "self_attn.k_proj.weight", &BlockWeights::wk},
    {"attn_v.weight", "self_attn.v_proj.weight", &BlockWeights::wv},
    {"attn_output.weight", "self_attn.o_proj.weight", &BlockWeights::wo},
    {"ffn_norm.weight", "post_attention_layernorm.weight", nullptr, &BlockWeights::ffn_norm},
    {"ffn_gate.weight", "mlp.gate_proj.weight", &BlockWeights::w_gate},
    {"ffn_up.weight", "mlp.up_proj.weight", &BlockWeights::w_up},
    {"ffn_down.weight", "mlp.down_proj.weight", &BlockWeights::w_down},
};

struct GlobalTensor {
  std::string_view gguf;
  std::string_view hf;
};
inline constexpr GlobalTensor kEmbeddingTensor = {"token_embd.weight", "model.embed_tokens.weight"};
inline constexpr GlobalTensor kFinalNormTensor = {"output_norm.weight", "model.norm.weight"};
inline constexpr GlobalTensor kHeadTensor = {"output.weight", "lm_head.weight"};

struct MatrixShape {
  int64_t rows = 0;
  int64_t cols = 0;
};

// Shape of a matrix of kBlockTensors; no rows where the model has no such matrix (the gate of an
// FFN without one).
[[nodiscard]] inline MatrixShape ShapeOf(WeightMatrix BlockWeights::*matrix,
                                         const ModelSpec& spec) {
  const int64_t d = spec.d_model;
  if (matrix == &BlockWeights::wq) return {QueryDim(spec), d};
  if (matrix == &BlockWeights::wk || matrix == &BlockWeights::wv) return {KvDim(spec), d};
  if (matrix == &BlockWeights::wo) return {d, QueryDim(spec)};
  if (matrix == &BlockWeights::w_down) return {d, spec.d_ff};
  if (matrix == &BlockWeights::w_gate && spec.ffn != Ffn::kSwiglu) return {0, d};
  return {spec.d_ff, d};
}

// The bytes of a tensor as files hold them, without the scales of an int8 matrix.
[[nodiscard]] inline std::string_view BytesOf(std::span<const float> floats) {
  return {reinterpret_cast<const char*>(floats.data()), floats.size_bytes()};
}
[[nodiscard]] inline std::string_view BytesOf(const WeightMatrix& w) {
  return {reinterpret_cast<const char*>(w.data), static_cast<size_t>(w.rows * w.row_bytes())};
}

}  // namespace deepthin::runtime

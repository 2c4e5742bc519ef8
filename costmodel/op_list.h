// OpList: the operators of one forward pass in the order of execution, each with its MACs and its
// bytes by operand. Says what is touched, not where it lies (residency.h) or how long it takes
// (estimator.h).
//
// Weights are named by stored tensor: an executed repeat names the same tensor as the first
// execution, and the head of a tied model names the token table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "spec/fields.h"
#include "spec/model_spec.h"
#include "spec/precision.h"
#include "spec/units.h"

namespace deepthin::costmodel {

enum class OpKind {
  kEmbed,
  kAttnNorm,
  kQkv,
  kRopeKvWrite,
  kAttention,
  kAttnOut,
  kFfnNorm,
  kFfnUp,  // gate and up in one
  kFfnAct,
  kFfnDown,
  kFinalNorm,
  kHead,
};
inline constexpr size_t kOpKinds = 12;

// One forward pass. Prefill: the prompt on an empty KV cache. Decode: one token per sequence.
struct Pass {
  int64_t new_tokens = 1;      // per sequence
  int64_t context_tokens = 0;  // per sequence, in the KV cache before the pass
  int64_t batch = 1;

  friend bool operator==(const Pass&, const Pass&) = default;
};

// Bytes are those of one pass over each operand. Elementwise work (norms, RoPE, activation
// functions, softmax) is no MAC: its time is its bytes and the fixed costs.
struct Op {
  OpKind kind = OpKind::kEmbed;
  std::optional<int64_t> tensor;     // index into OpList::tensor_bytes
  std::optional<int64_t> kv_entry;   // index into OpList::kv_entry_bytes
  Dtype matrix_dtype = Dtype::kF16;  // of the matrix that the MACs read: weights, or the KV cache
  int64_t rows = 0;                  // tokens that are worked on, over the batch
  Macs macs;
  Bytes weights;     // the whole tensor, but for the embedding the rows that are looked up
  Bytes kv_read;     // of the tokens before the pass
  Bytes kv_new;      // of the tokens of the pass, read back by attention
  Bytes kv_written;  // of the tokens of the pass
  Bytes activations_in;
  Bytes activations_out;
  Bytes live_activations;  // held during the operator: in, out, kv_new and the residual stream
};

struct OpList {
  Pass pass;
  std::vector<Op> ops;
  std::vector<Bytes> tensor_bytes;    // stored tensors; their sum is CountWeightBytes().total()
  std::vector<Bytes> kv_entry_bytes;  // of the whole batch after the pass
  Bytes block_workspace;              // the most activations held during a block's operator
};

// REQUIRES: the spec is valid, and MACs and bytes fit 62 bits (estimator.h checks it).
[[nodiscard]] OpList BuildOpList(const ModelSpec& spec, const Precision& precision,
                                 const Pass& pass);

}  // namespace deepthin::costmodel

template <>
struct deepthin::EnumTexts<deepthin::costmodel::OpKind> {
  using K = costmodel::OpKind;
  static constexpr std::array kList = {
      std::pair{K::kEmbed, std::string_view("embed")},
      std::pair{K::kAttnNorm, std::string_view("attn_norm")},
      std::pair{K::kQkv, std::string_view("qkv")},
      std::pair{K::kRopeKvWrite, std::string_view("rope_kv_write")},
      std::pair{K::kAttention, std::string_view("attention")},
      std::pair{K::kAttnOut, std::string_view("attn_out")},
      std::pair{K::kFfnNorm, std::string_view("ffn_norm")},
      std::pair{K::kFfnUp, std::string_view("ffn_up")},
      std::pair{K::kFfnAct, std::string_view("ffn_act")},
      std::pair{K::kFfnDown, std::string_view("ffn_down")},
      std::pair{K::kFinalNorm, std::string_view("final_norm")},
      std::pair{K::kHead, std::string_view("head")}};
};

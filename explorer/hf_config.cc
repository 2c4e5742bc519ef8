#include "explorer/hf_config.h"

namespace deepthin::explorer {
namespace {

bool RunsEachBlockOnce(const ModelSpec& spec) {
  ModelSpec plain = spec;
  plain.repeat = {};
  return ExecutionOrder(spec) == ExecutionOrder(plain);
}

}  // namespace

Json HfConfig(const ModelSpec& spec) {
  const std::string format = "Hugging Face config.json";
  if (spec.ffn != Ffn::kSwiglu) {
    throw InputError({format, "ffn"}, "is " + std::string(ToText(spec.ffn)),
                     "swiglu, the only one that the Llama format can say");
  }
  const RepeatSchedule twice{.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  const bool is_plain = RunsEachBlockOnce(spec);
  if (!is_plain && spec.repeat != twice) {
    throw InputError({format, "repeat"}, "is " + ToText(spec.repeat),
                     "none or immediate:2, which are what layer_sharing can say");
  }
  if (!is_plain && spec.kv_policy != KvPolicy::kPerOccurrence) {
    throw InputError({format, "kv_policy"}, "is " + std::string(ToText(spec.kv_policy)),
                     "per_occurrence");
  }
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"vocab_size", spec.vocab_size},
          {"hidden_size", spec.d_model},
          {"intermediate_size", spec.d_ff},
          {"num_hidden_layers", spec.n_blocks},
          {"num_attention_heads", spec.n_heads},
          {"num_key_value_heads", spec.n_kv_heads},
          {"head_dim", spec.head_dim},
          {"hidden_act", "silu"},
          {"max_position_embeddings", spec.max_seq_len},
          {"rope_theta", spec.rope_theta},
          {"rms_norm_eps", spec.norm_eps},
          {"attention_bias", false},
          {"mlp_bias", false},
          {"tie_word_embeddings", spec.tie_embeddings},
          {"share_embedding", spec.tie_embeddings},
          {"layer_sharing", !is_plain},
          {"torch_dtype", "float32"}};
}

}  // namespace deepthin::explorer

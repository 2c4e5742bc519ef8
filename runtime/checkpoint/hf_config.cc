#include "runtime/checkpoint/hf_config.h"

namespace deepthin::runtime {
namespace {

bool RunsEachBlockOnce(const ModelSpec& spec) {
  ModelSpec plain = spec;
  plain.repeat = {};
  return ExecutionOrder(spec) == ExecutionOrder(plain);
}

std::string_view TorchDtype(Dtype dtype) {
  if (dtype == Dtype::kF16) return "float16";
  return dtype == Dtype::kBf16 ? "bfloat16" : "float32";
}

// Keys of a config.json, each with its type checked.
class ConfigReader {
 public:
  ConfigReader(const Json& config, const std::string& file) : config_(config), file_(file) {}

  [[nodiscard]] Where Place(const std::string& key) const { return {file_, "/" + key}; }
  [[nodiscard]] bool Has(const std::string& key) const {
    const auto found = config_.find(key);
    return found != config_.end() && !found->is_null();
  }
  template <class T>
  [[nodiscard]] std::optional<T> Get(const std::string& key) const {
    if (!Has(key)) return std::nullopt;
    return FromJson<T>(config_[key], Place(key));
  }
  template <class T>
  [[nodiscard]] T Required(const std::string& key) const {
    if (auto value = Get<T>(key)) return *value;
    throw InputError(Place(key), "is absent", "it, in a config.json of Llama or MobileLLM");
  }
  // Refuses any value but the one that a ModelSpec has.
  template <class T>
  void RequireOnly(const std::string& key, const T& only) const {
    if (const auto value = Get<T>(key); value && *value != only) {
      throw InputError(Place(key), "is " + ToJson(*value).dump(), ToJson(only).dump());
    }
  }

 private:
  const Json& config_;
  const std::string& file_;
};

bool IsMobileLlm(const ConfigReader& in) {
  const auto type = in.Get<std::string>("model_type");
  if (type == "mobilellm") return true;
  if (type && *type != "llama") {
    throw InputError(in.Place("model_type"), "is '" + *type + "'", "llama or mobilellm");
  }
  const auto classes = in.Get<std::vector<std::string>>("architectures");
  const bool has_class = classes && !classes->empty();
  if (!type && !has_class) {
    throw InputError(in.Place("model_type"), "is absent", "llama or mobilellm");
  }
  return has_class && classes->front().starts_with("MobileLLM");
}

// `stated` by the file, `said` by the user; they must not differ.
std::optional<bool> Agreed(std::optional<bool> stated, std::optional<bool> said, const Where& where,
                           const std::string& option) {
  if (stated && said && *stated != *said) {
    throw InputError(where, *stated ? "is true" : "is false",
                     "what " + option + " says, or no " + option);
  }
  return stated ? stated : said;
}

bool ReadSharing(const ConfigReader& in, const std::string& key, std::optional<bool> stated,
                 std::optional<bool> said, bool is_open, const std::string& option) {
  const auto agreed = Agreed(stated, said, in.Place(key), option);
  if (!agreed && is_open) {
    throw InputError(in.Place(key), "is absent, so that this MobileLLM may be either of two models",
                     option + " yes|no");
  }
  return agreed.value_or(false);  // as Llama's own class has it
}

void RefuseOtherModels(const ConfigReader& in) {
  in.RequireOnly<std::string>("hidden_act", "silu");
  in.RequireOnly("attention_bias", false);
  in.RequireOnly("mlp_bias", false);
  in.RequireOnly("partial_rotary_factor", 1.0);
  for (const char* key : {"rope_scaling", "quantization_config"}) {
    if (in.Has(key)) throw InputError(in.Place(key), "is set", "null");
  }
}

// "rope_theta" at the top, or in "rope_parameters" as newer files have it.
double RopeTheta(const ConfigReader& in, const Json& config, const std::string& file) {
  if (in.Has("rope_parameters")) {
    const Json& parameters = config["rope_parameters"];
    if (!parameters.is_object()) {
      throw InputError(in.Place("rope_parameters"), "is no object", "one");
    }
    const ConfigReader rope(parameters, file);
    rope.RequireOnly<std::string>("rope_type", "default");
    if (const auto theta = rope.Get<double>("rope_theta")) return *theta;
  }
  return in.Get<double>("rope_theta").value_or(10'000.0);
}

}  // namespace

bool IsHfConfig(const Json& json) {
  return json.is_object() && (json.contains("model_type") || json.contains("hidden_size"));
}

ModelSpec SpecFromHfConfig(const Json& config, const std::string& file, const HfSharing& sharing) {
  if (!config.is_object()) throw InputError({file, ""}, "is no JSON object", "a config.json");
  const ConfigReader in(config, file);
  const bool is_mobile = IsMobileLlm(in);
  RefuseOtherModels(in);
  ModelSpec spec;
  spec.vocab_size = in.Required<int64_t>("vocab_size");
  spec.d_model = in.Required<int64_t>("hidden_size");
  spec.d_ff = in.Required<int64_t>("intermediate_size");
  spec.n_blocks = in.Required<int64_t>("num_hidden_layers");
  spec.n_heads = in.Required<int64_t>("num_attention_heads");
  spec.n_kv_heads = in.Get<int64_t>("num_key_value_heads").value_or(spec.n_heads);
  const auto head_dim = in.Get<int64_t>("head_dim");
  if (!head_dim && (spec.n_heads < 1 || spec.d_model % spec.n_heads != 0)) {
    throw InputError(in.Place("num_attention_heads"), "is " + std::to_string(spec.n_heads),
                     "a divisor of hidden_size where head_dim is absent");
  }
  spec.head_dim = head_dim ? *head_dim : spec.d_model / spec.n_heads;
  spec.max_seq_len = in.Get<int64_t>("max_position_embeddings").value_or(2'048);
  spec.rope_theta = RopeTheta(in, config, file);
  spec.norm_eps = in.Get<double>("rms_norm_eps").value_or(1e-6);  // the default of Llama's class

  // MobileLLM's class reads share_embedding and never looks at tie_word_embeddings.
  const auto share = in.Get<bool>("share_embedding");
  const auto tie = in.Get<bool>("tie_word_embeddings");
  if (!is_mobile && share && tie && *share != *tie) {
    throw InputError(in.Place("share_embedding"), "contradicts tie_word_embeddings", "the same");
  }
  spec.tie_embeddings = ReadSharing(in, "share_embedding", share || is_mobile ? share : tie,
                                    sharing.share_embedding, is_mobile, "--share-embedding");
  if (ReadSharing(in, "layer_sharing", in.Get<bool>("layer_sharing"), sharing.layer_sharing,
                  is_mobile, "--layer-sharing")) {
    spec.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  }
  Validate(spec, {file, ""});
  return spec;
}

Json HfConfig(const ModelSpec& spec, Dtype weights) {
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
          {"torch_dtype", TorchDtype(weights)}};
}

}  // namespace deepthin::runtime

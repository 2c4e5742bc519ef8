// Hugging Face config.json of a ModelSpec and back, in Llama naming with MobileLLM's two extra
// keys.
#pragma once

#include <optional>
#include <string>

#include "spec/dtype.h"
#include "spec/json_io.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

// share_embedding and layer_sharing are always written: the released MobileLLM files leave them to
// command-line switches, so that one file can mean 124.6M or 143.1M parameters. Readers that do not
// know layer_sharing execute each block once: another model. `weights` becomes torch_dtype. Throws
// InputError for what the format cannot say: a feed-forward network without gate, a schedule other
// than none and immediate:2, a shared KV cache.
[[nodiscard]] Json HfConfig(const ModelSpec& spec, Dtype weights = Dtype::kF32);

// What the user says where a config leaves it open.
struct HfSharing {
  std::optional<bool> share_embedding{};  // the output head is the token table
  std::optional<bool> layer_sharing{};    // each block twice in a row: immediate:2
};

// Llama (model_type llama) and MobileLLM (mobilellm). Keys that change nothing are ignored. Throws
// InputError where the config describes what a ModelSpec cannot (biases, scaled RoPE, another
// activation), where a MobileLLM leaves its sharing open and `sharing` does, too, and where the two
// contradict each other.
[[nodiscard]] ModelSpec SpecFromHfConfig(const Json& config, const std::string& file,
                                         const HfSharing& sharing = {});

// Whether a JSON object is a config.json and not a ModelSpec.
[[nodiscard]] bool IsHfConfig(const Json& json);

}  // namespace deepthin::runtime

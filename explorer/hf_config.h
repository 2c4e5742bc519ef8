// Hugging Face config.json of a ModelSpec, in Llama naming with MobileLLM's two extra keys.
#pragma once

#include "spec/json_io.h"
#include "spec/model_spec.h"

namespace deepthin::explorer {

// share_embedding and layer_sharing are always written: the released MobileLLM files leave them to
// command-line switches, so that one file can mean 124.6M or 143.1M parameters. Throws InputError
// for what the format cannot say: a feed-forward network without gate, a schedule other than none
// and immediate:2, a shared KV cache.
[[nodiscard]] Json HfConfig(const ModelSpec& spec);

}  // namespace deepthin::explorer

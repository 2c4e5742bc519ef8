// Models as Hugging Face keeps them: a folder with config.json and model.safetensors, in the naming
// of Llama and MobileLLM; F32, F16, BF16, and int8 (W8A8) as I8 with F32 scales, one for each row,
// under the name of the tensor and "_scale".
//
// Llama's class rotates the first half of a head with the second, ours adjacent pairs: the rows of
// queries and keys are put in the other order on the way.
#pragma once

#include <string>

#include "runtime/checkpoint/file_content.h"
#include "runtime/checkpoint/hf_config.h"
#include "runtime/weights.h"

namespace deepthin::runtime {

// A folder, or a .safetensors file with its config.json beside it. The weights are views of the
// file's bytes but for queries, keys, and what is not aligned or a norm in 16 bits. Throws
// InputError where it is no whole and sound model, EnvironmentError where memory does not suffice.
[[nodiscard]] Weights LoadSafetensors(const std::string& path, const HfSharing& sharing = {},
                                      FileAccess access = FileAccess::kMap);
[[nodiscard]] Weights WeightsFromSafetensors(const FileContent& file, const std::string& path,
                                             const ModelSpec& spec);

// Writes both files into `folder`, which is made where it is absent; each is either untouched or
// whole. Throws InputError where the format cannot hold the model (see HfConfig; Q8_0 and Q4_0),
// EnvironmentError where the disk refuses.
void WriteSafetensors(const Weights& weights, const std::string& folder);

}  // namespace deepthin::runtime

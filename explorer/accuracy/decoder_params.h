// decoder_params: the number of parameters in the stored blocks, as an accuracy proxy. The baseline
// that every other proxy has to beat: on Table 11 of MobileLLM it has Kendall tau 0.74 (125M) and
// 0.64 (350M) against the average score, because at equal total size the thin models spend less on
// embeddings.
#pragma once

#include "explorer/accuracy/proxy.h"

namespace deepthin::explorer {

[[nodiscard]] ProxyScore DecoderParams(const ModelSpec& spec);

[[nodiscard]] ProxyEntry DecoderParamsEntry();

}  // namespace deepthin::explorer

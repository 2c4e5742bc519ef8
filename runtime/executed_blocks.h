// The weights of every executed block of a token, with what the last-level cache holds of them.
#pragma once

#include <vector>

#include "runtime/weights.h"

namespace deepthin::runtime {

// [executed blocks], in the order of their execution. The matrices of one are marked as cached
// where it finds them in a cache of so many bytes: all weights fit, or those of the blocks that
// were executed since its own was, itself included. The KV cache and activations are left out of
// account.
[[nodiscard]] std::vector<BlockWeights> ExecutedBlocks(const Weights& weights, Bytes cache);

}  // namespace deepthin::runtime

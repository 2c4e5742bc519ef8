// The multiply-adds that a training step has to do: what its speed is compared with.
#pragma once

#include <cstdint>

#include "spec/model_spec.h"

namespace deepthin::runtime {

// Of one predicted token of sequences of `length`: three forward passes, since each product of the
// forward pass has two of the backward pass (Kaplan et al., arXiv 2001.08361, section 2.1). A block
// counts as often as it is executed, attention for the positions that a token sees; what the
// trainer computes again does not count, nor do norms and activations.
[[nodiscard]] double TrainingMacsPerToken(const ModelSpec& spec, int64_t length);

}  // namespace deepthin::runtime

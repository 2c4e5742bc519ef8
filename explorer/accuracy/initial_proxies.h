// Proxies that look at a model before training, with weights at random: synflow, gradient_norm,
// w_pca and head_confidence. Each is the mean over some seeds, of which weights and tokens both
// come, with its standard error. A score's sign is its paper's: what the score says of models of
// one size is for the scoreboard to judge.
#pragma once

#include "explorer/accuracy/proxy.h"

namespace deepthin::explorer {

[[nodiscard]] ProxyEntry SynflowEntry();
[[nodiscard]] ProxyEntry GradientNormEntry();
[[nodiscard]] ProxyEntry WeightedPcaEntry();
[[nodiscard]] ProxyEntry HeadConfidenceEntry();

}  // namespace deepthin::explorer

// Synaptic flow (Tanaka et al., "Pruning neural networks without any data by iteratively conserving
// synaptic flow", arXiv 2006.05467): of a network whose weights are replaced by
// their magnitudes, with R the sum of its outputs for an input of ones, the sum over all weights of
// weight x dR/dweight.
//
// It is defined for a network in which what goes into a unit comes out in proportion, so that no
// flow is lost between layers. A transformer becomes one thus:
// - the residual stream begins as ones; the embedding is a choice of rows, and counts only where it
//   is the head as well;
// - norms multiply by their weights and do not divide by the root mean square, as the paper has
//   batch normalisation at initialisation; their weights do not count;
// - every position holds the same, so that a mean of values is that value whatever the attention
//   weights: one position stands for all, and queries and keys have no flow;
// - the activation passes on what it gets; SwiGLU's hidden layer is the root of gate x up, which
//   keeps the proportion, where their product would square it with each block.
// This is another network than the trainer's, hence the one score with a forward pass of its own.
#pragma once

#include <span>

#include "spec/model_spec.h"

namespace deepthin::explorer {

struct SynapticFlow {
  double log_output = 0;  // natural logarithm of R
  // Sum over the matrices, each as often as it is executed, of the share of R that flows through
  // it: each share is in [0, 1], and 1 where nothing passes beside.
  double share_sum = 0;

  // Natural logarithm of the synaptic flow; the flow itself leaves f64's range from some 55 blocks
  // on.
  [[nodiscard]] double log_flow() const;
};

// parameters: [LayOutParameters(spec).count]. In f64, on the calling thread; -infinity where no
// output is left. REQUIRES: Validate(spec).
[[nodiscard]] SynapticFlow SynapticFlowOf(const ModelSpec& spec, std::span<const float> parameters);

}  // namespace deepthin::explorer

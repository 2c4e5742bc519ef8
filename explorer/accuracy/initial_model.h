// InitialModel: a model as training would begin it, with a batch of random tokens: what scores at
// initialisation look at. Scores of this file take weights from anywhere, so that tests can give
// them some whose score is known.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/thread_pool.h"
#include "runtime/trainer/batch.h"
#include "spec/model_spec.h"

namespace deepthin::explorer {

struct InitialModel {
  const ModelSpec& spec;              // trainable
  std::span<const float> parameters;  // [LayOutParameters(spec).count]
  runtime::BatchShape shape;
  runtime::BatchView batch;  // of that shape
  runtime::ThreadPool& pool;
};

// Sequences of tokens that are each as likely as any other: every vocabulary has them, and no
// text's frequencies are in them. The same on every machine.
[[nodiscard]] std::vector<int32_t> RandomTokens(int64_t vocab_size,
                                                const runtime::BatchShape& shape, uint64_t seed);

// Sum over the linear maps (queries, keys, values, attention's output, gate, up, down, head; a
// matrix that is executed several times is one) of the Euclidean norm of the loss' gradient
// (Abdelfattah et al., "Zero-cost proxies for lightweight NAS", arXiv 2101.08134). In f32.
[[nodiscard]] double GradientNorm(const InitialModel& model);

// Mean over executed blocks, heads and tokens of the greatest attention weight: in (0, 1], and 1 at
// a sequence's first token. A head's confidence (Voita et al., arXiv 1905.09418) taken for all
// heads before training, as softmax confidence (Serianni & Kalita, arXiv 2306.00288), which
// adds up blocks where this is their mean.
[[nodiscard]] double HeadConfidence(const InitialModel& model);

// Parameters (all of them) x the sum over executed blocks of the principal components that hold the
// share eta of the variance of what goes into the feed-forward network's activation: X W^T, with W
// the gate (SwiGLU) or up, over all tokens of the batch (Wang, "W-PCA based gradient-free proxy for
// efficient search of lightweight language models", arXiv 2504.15983; eta is 0.99
// there). A block has at most d_model of them, and at most as many as there are tokens less one.
[[nodiscard]] double WeightedComponents(const InitialModel& model, double eta);

}  // namespace deepthin::explorer

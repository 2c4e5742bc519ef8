// ForwardObserver: sees what the trainer's forward pass computes and does not keep, so that whoever
// needs it (scores of models before training) has no forward pass of its own.
#pragma once

#include <cstdint>
#include <functional>

#include "runtime/kernels/matrix.h"

namespace deepthin::runtime {

// Attention weights of one head for some tokens that follow each other in a sequence.
template <class T>
struct AttentionTile {
  int64_t head = 0;
  int64_t first_row = 0;  // the first of these tokens, counted through the batch
  // [tokens, positions of the sequence up to the last of them]: rows add up to 1, and are 0 for
  // later positions than the token's own.
  MatrixView<const T> weights;
};

// Called by the threads of the pool, several at once; each token of each head is shown once. Must
// not throw.
template <class T>
using AttentionTileCall = std::function<void(const AttentionTile<T>&)>;

// Each may be empty. The views are gone when the call returns.
template <class T>
struct ForwardObserver {
  // Beside the tile: which of the executed blocks, from 0. As AttentionTileCall says.
  std::function<void(int64_t executed, const AttentionTile<T>& tile)> on_attention{};
  // The normed input of the feed-forward network, [tokens, d_model], and its products with gate and
  // up (SwiGLU: [tokens, 2 d_ff]) or up alone, before the activation. On the caller's thread.
  std::function<void(int64_t executed, MatrixView<const T> input, MatrixView<const T> gate_up)>
      on_ffn{};
};

}  // namespace deepthin::runtime

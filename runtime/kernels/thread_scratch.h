// Memory that one product of matrices needs while it runs: one buffer for each use and thread,
// which grows and is kept.
#pragma once

#include <cstddef>
#include <cstdint>

namespace deepthin::runtime {

enum class ScratchUse {
  kActivations,  // in the form that the inner loop reads
  kCorrections,  // what an offset of the weights adds to each sum
  kScales,       // of activations
  kPanel,        // weights of some rows, unpacked and interleaved
  kPanelScales,
  kLeftRows,   // of a trainer's product, rounded
  kAttention,  // what the trainer keeps of one head
  kTokens,     // and of some tokens on their way through a block
  kCount
};

// At least `bytes` bytes, not initialised, at a multiple of 64; this thread's until it asks for the
// same use again.
[[nodiscard]] std::byte* ThreadScratchBytes(ScratchUse use, int64_t bytes);

template <class T>
[[nodiscard]] T* ThreadScratch(ScratchUse use, int64_t n) {
  return reinterpret_cast<T*>(ThreadScratchBytes(use, n * static_cast<int64_t>(sizeof(T))));
}

}  // namespace deepthin::runtime

// The two conventions of rotary embeddings, as orders of rows. Ours (the paper's, llama2.c's,
// GGUF's of Llama) rotates rows 2i and 2i + 1 of a head with each other; Hugging Face's Llama rows
// i and i + head_dim / 2.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime/weights.h"

namespace deepthin::runtime {

[[nodiscard]] inline bool IsRotated(WeightMatrix BlockWeights::*matrix) {
  return matrix == &BlockWeights::wq || matrix == &BlockWeights::wk;
}

// For each row in the order of pairs, the row in the order of halves. REQUIRES: whole heads.
[[nodiscard]] inline std::vector<int64_t> PairsFromHalves(int64_t rows, int64_t head_dim) {
  std::vector<int64_t> order;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t in_head = r % head_dim;
    order.push_back(r - in_head + in_head / 2 + in_head % 2 * (head_dim / 2));
  }
  return order;
}

// The way back.
[[nodiscard]] inline std::vector<int64_t> HalvesFromPairs(int64_t rows, int64_t head_dim) {
  std::vector<int64_t> order(static_cast<size_t>(rows));
  const std::vector<int64_t> there = PairsFromHalves(rows, head_dim);
  for (size_t r = 0; r < there.size(); ++r)
    order[static_cast<size_t>(there[r])] = static_cast<int64_t>(r);
  return order;
}

// Row r of the result is row order[r] of w. scales: of an int8 matrix, else null.
inline void CopyRows(const WeightMatrix& w, const std::vector<int64_t>& order, std::byte* data,
                     float* scales) {
  for (size_t r = 0; r < order.size(); ++r) {
    std::memcpy(data + static_cast<int64_t>(r) * w.row_bytes(), w.Row(order[r]),
                static_cast<size_t>(w.row_bytes()));
    if (scales != nullptr) scales[r] = w.row_scales[order[r]];
  }
}

}  // namespace deepthin::runtime

// SimulatedLayout: where everything that a pass touches lies in the address space of the trace
// simulation, and which of it each operator touches. Addresses are lines.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "costmodel/op_list.h"
#include "spec/units.h"

namespace deepthin::costmodel {

struct Region {
  int64_t first = 0;
  int64_t lines = 0;

  // The lines that hold the part'th of `parts` equal parts; neighbours may share one.
  [[nodiscard]] Region Part(int64_t part, int64_t parts) const {
    const int64_t begin = lines * part / parts;
    const int64_t end = (lines * (part + 1) + parts - 1) / parts;
    return {first + begin, end - begin};
  }
};

[[nodiscard]] inline int64_t LinesOf(std::span<const Region> regions) {
  int64_t lines = 0;
  for (const Region& region : regions) lines += region.lines;
  return lines;
}

// One operator, or its share for one sequence: rows of `in` meet all of `stationary`.
struct LoopNest {
  std::vector<Region> in;
  std::vector<Region> stationary;  // weights, or keys and values
  std::vector<Region> out;
  int64_t rows = 1;
  double share = 1;  // of the operator's arithmetic
};

// Tensors and KV entries lie one after the other in the order of execution. Activations: the
// residual stream, and an arena at whose two ends operators find their input and leave their
// output, in turn. The logits have a buffer of their own.
class SimulatedLayout {
 public:
  SimulatedLayout(const OpList& list, Bytes line);

  // All lines are below this.
  [[nodiscard]] int64_t lines() const { return next_; }
  // As how many nests the operator runs: attention one for each sequence of the batch.
  [[nodiscard]] int64_t Sequences(const Op& op) const;
  // run: which of several passes, so that each looks up other rows of the token table.
  [[nodiscard]] LoopNest NestOf(const Op& op, int64_t sequence, int64_t run) const;

 private:
  [[nodiscard]] int64_t Lines(Bytes bytes) const {
    return (bytes.value() + line_.value() - 1) / line_.value();
  }
  Region Add(Bytes bytes);
  [[nodiscard]] Region Left(Bytes bytes) const { return {arena_.first, Lines(bytes)}; }
  [[nodiscard]] Region Right(Bytes bytes) const {
    return {arena_.first + arena_.lines - Lines(bytes), Lines(bytes)};
  }
  [[nodiscard]] Region Tensor(const Op& op) const {
    return tensors_[static_cast<size_t>(*op.tensor)];
  }
  [[nodiscard]] std::vector<Region> LookedUp(const Op& op, int64_t run) const;
  [[nodiscard]] Region Context(const Op& op, int64_t sequence) const;
  [[nodiscard]] Region NewTokens(const Op& op, int64_t sequence) const;
  [[nodiscard]] LoopNest Attention(const Op& op, int64_t sequence) const;

  Pass pass_;
  Bytes line_;
  int64_t next_ = 0;
  std::vector<Region> tensors_;
  std::vector<Region> kv_entries_;
  Region residual_;
  Region arena_;
  Region logits_;
  Bytes residual_bytes_;
};

}  // namespace deepthin::costmodel

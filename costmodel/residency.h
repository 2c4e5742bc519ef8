// Residency: which bytes of a pass are still on chip when they are touched again.
//
// LRU levels by stack distance, pinned levels by the best static choice. Several levels are
// inclusive: each by its own capacity, and the nearest one that holds a byte serves it. Activations
// are a reserved working set: they stay on chip where they fit, and every other byte has to share
// the level with them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "costmodel/op_list.h"
#include "costmodel/stack_distance.h"
#include "spec/soc_spec.h"

namespace deepthin::costmodel {

struct OnChipLevel {
  Bytes capacity;
  Replacement replacement = Replacement::kLru;
};

// Bytes of each access by the tier that serves them: the on-chip levels nearest first, then what
// lies beyond.
class ServedBytes {
 public:
  ServedBytes(size_t accesses, size_t tiers) : tiers_(tiers), bytes_(accesses * tiers) {}

  [[nodiscard]] size_t tiers() const { return tiers_; }
  [[nodiscard]] Bytes at(size_t access, size_t tier) const {
    return bytes_[access * tiers_ + tier];
  }
  [[nodiscard]] Bytes& at(size_t access, size_t tier) { return bytes_[access * tiers_ + tier]; }

 private:
  size_t tiers_;
  std::vector<Bytes> bytes_;  // [accesses, tiers]
};

// reserved: bytes of each level that the trace cannot use. A cold start misses each object's first
// touch whatever the policy.
[[nodiscard]] ServedBytes Serve(const AccessTrace& trace, Start start, Bytes reserved,
                                std::span<const OnChipLevel> levels);

// Of an access to an object of which a part is held: the bytes found, rounded down.
// REQUIRES: held is at most object.
[[nodiscard]] Bytes HeldShare(Bytes access, Bytes held, Bytes object);

// The accesses of a pass to weights and KV cache, and what else flows through a cache.
struct PassTrace {
  // Which access is which operand of which operator.
  struct Role {
    enum class Operand { kWeights, kKvRead, kKvWritten, kLogits };
    size_t op = 0;
    Operand operand = Operand::kWeights;
  };
  AccessTrace trace;
  std::vector<Role> roles;  // one for each access
  Start start = Start::kCold;
};

// Prefill runs cold; decode is a token in the steady state.
[[nodiscard]] PassTrace TraceOf(const OpList& list);

// The smallest SRAM at which, under LRU, a decoded token reads nothing twice from beyond it: every
// repeated execution finds its weights (and, with a shared KV policy, its KV entry) on chip.
// 0 where nothing is repeated.
[[nodiscard]] Bytes SramNeededToBeFree(const ModelSpec& spec, const Precision& precision,
                                       int64_t context_tokens, int64_t batch = 1);

}  // namespace deepthin::costmodel

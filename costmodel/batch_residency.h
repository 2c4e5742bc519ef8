// Which executed blocks of a pass find their weights and KV entries on chip: in closed form for the
// regular repeat schedules, where residency.h follows every access. Part of batch_estimate.h.
//
// All blocks have one shape, so the distances of a regular schedule are multiples of a block's
// weights and of a KV entry: docs/cost-model.md, section 10, has the table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin::costmodel {

// Memory levels, on-chip ones first: as many as a SocSpec may have.
inline constexpr size_t kMaxTiers = 8;
inline constexpr size_t kTensorsOfABlock = 6;

// What residency depends on.
struct BatchTrace {
  RepeatKind kind = RepeatKind::kNone;  // not explicit
  int64_t times = 1;
  int64_t n_blocks = 1;
  bool shared_kv = false;
  bool tied = true;
  bool decode = true;                           // else a prompt, from a cold start
  std::array<Bytes, kTensorsOfABlock> tensors;  // of a block, as it touches them
  Bytes block;                                  // their sum
  Bytes kv_entry;                               // of the whole batch after the pass
  Bytes kv_read;
  Bytes kv_written;
  Bytes lookup;  // rows of the token table
  Bytes final_norm;
  Bytes head;
  Bytes logits;
};

// On-chip levels, less what the workspace takes of each.
struct BatchRoom {
  size_t levels = 0;
  std::array<Bytes, kMaxTiers> room{};
  bool pinned = false;  // REQUIRES: levels == 1
};

// The bytes of an operand that a level holds; the rest comes from DRAM.
struct Hit {
  size_t level = 0;
  Bytes bytes;
};

// Tiers: the on-chip levels, then DRAM.
struct ServedBlocks {
  std::array<int64_t, kMaxTiers> weights{};  // executions that find all their weights there
  std::array<int64_t, kMaxTiers> kv{};       // executions that find (and write) their KV there
  // A pinned level ends within a block or a KV entry: executions of that one.
  int64_t split_weights = 0;
  std::array<Bytes, kTensorsOfABlock> split_tensors{};  // held of each
  int64_t split_kv = 0;
  Bytes split_kv_read;
  Bytes split_kv_written;
  Hit lookup;
  Hit final_norm;
  Hit head;
};

[[nodiscard]] ServedBlocks ServeBlocks(const BatchTrace& trace, const BatchRoom& room);

}  // namespace deepthin::costmodel

// Cliffs: where one byte of on-chip memory, or one token of context, changes what stays on chip.
// Found by bisection of the cost model itself, so each holds exactly: at n, and not at n - 1.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "explorer/whatif/question.h"

namespace deepthin::explorer {

// Of a decoded token.
struct Cliff {
  int64_t at = 0;      // bytes or tokens: the first from which the second figures hold
  Bytes bytes_before;  // from beyond the level (of capacities), from DRAM (of contexts)
  Bytes bytes_after;
  Seconds time_before;
  Seconds time_after;

  friend bool operator==(const Cliff&, const Cliff&) = default;
};

// Every capacity of this SRAM level above low, up to high, at which a decoded token begins to read
// less from beyond the level; all others as they are. Empty for a pinned level, which gains byte by
// byte. Complete, since more capacity never adds bytes. Throws InputError as Ask() does.
[[nodiscard]] std::vector<Cliff> CapacityCliffs(const Question& question, size_t level, Bytes low,
                                                Bytes high);

// Every context above low, up to high, at which a token has more DRAM bytes than the one before it
// by more than its own KV: something no longer stays on chip. REQUIRES: 1 <= low <= high.
[[nodiscard]] std::vector<Cliff> ContextCliffs(const Question& question, int64_t low, int64_t high);

// First contexts, above low and up to high, of the ranges over which a token's time is linear.
[[nodiscard]] std::vector<int64_t> LinearFrom(const Question& question, int64_t low, int64_t high);

// The smallest LRU level with which no executed repeat reads a byte again from beyond it
// (costmodel::SramNeededToBeFree at the question's context); absent where nothing is repeated.
[[nodiscard]] std::optional<Bytes> RepeatsFreeFrom(const Question& question);

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::Cliff> {
  using S = explorer::Cliff;
  static constexpr auto kList = std::tuple(
      Field("at", &S::at, "bytes of capacity or tokens of context from which on it holds"),
      Field("before_bytes", &S::bytes_before, "bytes of a token from beyond, one below"),
      Field("after_bytes", &S::bytes_after, "bytes of a token from beyond, at it"),
      Field("before_time_s", &S::time_before, "time of a token, one below"),
      Field("after_time_s", &S::time_after, "time of a token, at it"));
};

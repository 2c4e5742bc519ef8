// GenerationCost: a whole generation, token by token, as the KV cache grows; and the contexts at
// which it changes course, as where a repeated block no longer stays on chip beside its KV.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spec/fields.h"
#include "spec/problem.h"
#include "spec/units.h"

namespace deepthin::costmodel {

// Tokens over which time is linear in the context. Contexts are the tokens in the KV cache before a
// token's pass.
struct GenerationSegment {
  int64_t first_context = 0;
  int64_t last_context = 0;
  Seconds first_time;
  Seconds last_time;
  Bytes first_dram;
  Bytes last_dram;
  std::string limited_by;  // of the first token

  friend bool operator==(const GenerationSegment&, const GenerationSegment&) = default;
};

// Sums over all generated tokens; prefill is not among them.
struct GenerationCost {
  Seconds time;
  Bytes dram_bytes;
  std::optional<Joules> energy;  // absent where the SocSpec does not state all of it
  std::vector<GenerationSegment> segments;

  friend bool operator==(const GenerationCost&, const GenerationCost&) = default;
};

// The sum over every context from prompt to prompt + generated - 1, from estimates at the ends of
// its linear segments. Exact under LRU; with pinned levels up to the rounding of shares to bytes.
// Throws InputError as Estimate() does.
[[nodiscard]] GenerationCost EstimateGeneration(const Problem& problem);

}  // namespace deepthin::costmodel

template <>
struct deepthin::Fields<deepthin::costmodel::GenerationSegment> {
  using S = costmodel::GenerationSegment;
  static constexpr auto kList = std::tuple(
      Field("first_context", &S::first_context, "tokens in the KV cache before its first token"),
      Field("last_context", &S::last_context, "tokens in the KV cache before its last token"),
      Field("first_time_s", &S::first_time, "time of its first token"),
      Field("last_time_s", &S::last_time, "time of its last token"),
      Field("first_dram_bytes", &S::first_dram, "DRAM bytes of its first token"),
      Field("last_dram_bytes", &S::last_dram, "DRAM bytes of its last token"),
      Field("limited_by", &S::limited_by, "what takes most of the time of its first token"));
};

template <>
struct deepthin::Fields<deepthin::costmodel::GenerationCost> {
  using S = costmodel::GenerationCost;
  static constexpr auto kList = std::tuple(
      Field("time_s", &S::time, "time of all generated tokens"),
      Field("dram_bytes", &S::dram_bytes, "bytes read from and written to DRAM"),
      Field("energy_j", &S::energy, "energy of all generated tokens", Presence::kOptional),
      Field("segments", &S::segments, "ranges of contexts over which time is linear"));
};

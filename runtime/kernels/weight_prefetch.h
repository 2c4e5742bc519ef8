// Products of one token read weights once, in the order in which they lie. Within a page the
// processor runs ahead by itself, as fast as DRAM goes; at its end it waits for the next one's
// address, and from a last-level cache it could run faster.
#pragma once

#include <cstdint>

namespace deepthin::runtime {

// Inlined in any case: GCC 12 takes a function that only prefetches for one without effects, and
// drops its calls.
#define DEEPTHIN_PREFETCH [[gnu::always_inline]] inline

// Prefetches a line of each page that begins two pages behind the `bytes` at `rows`, so that its
// address is known in time. A mapped file comes in pages of 4 KiB: from one, a token of the 125M
// took about a seventh less time in Q8_0 and Q4_0 with this, and a little less in bf16 (Zen 4,
// AVX-512, three turns on a busy machine); f32 and f16, which are read without other prefetches,
// gained nothing. Where rows of f16 were read alone, prefetches into L2 did not do it, and in huge
// pages it made no difference. The address may lie behind the weights.
DEEPTHIN_PREFETCH void PrefetchPagesBehind(const void* rows, int64_t bytes) {
  constexpr int64_t kPage = 4096;
  const char* ahead = static_cast<const char*>(rows) + 2 * kPage;
  for (int64_t b = 0; b < bytes; b += kPage) __builtin_prefetch(ahead + b);
}

// Prefetches into L2 what lies 16 KiB behind the `bytes` at `from`, which come from the last-level
// cache (docs/benchmarks.md says what it is worth; 8 KiB are less good, and for bf16 32 KiB, too).
// f16 that comes from DRAM takes a quarter longer. The address may lie behind the weights.
DEEPTHIN_PREFETCH void PrefetchCached(const void* from, int64_t bytes) {
  constexpr int64_t kAhead = 16384;
  constexpr int64_t kLine = 64;
  constexpr int kIntoL2 = 2;
  const char* ahead = static_cast<const char*>(from) + kAhead;
  for (int64_t b = 0; b < bytes; b += kLine) __builtin_prefetch(ahead + b, 0, kIntoL2);
}

#undef DEEPTHIN_PREFETCH

}  // namespace deepthin::runtime

#include "runtime/kv_cache.h"

#include <fmt/format.h>

#include "runtime/memory.h"
#include "spec/errors.h"

namespace deepthin::runtime {

KvCache::KvCache(const ModelSpec& spec, int64_t max_tokens)
    : n_kv_heads_(spec.n_kv_heads), head_dim_(spec.head_dim), max_tokens_(max_tokens) {
  int64_t floats = 2 * KvEntryCount(spec) * KvDim(spec);  // below 2^36 by Validate()
  if (__builtin_mul_overflow(floats, max_tokens, &floats)) {
    throw EnvironmentError("the KV cache needs more memory than can be addressed");
  }
  floats_ = AllocateFloats(floats, fmt::format("the KV cache of {} tokens", max_tokens));
}

}  // namespace deepthin::runtime

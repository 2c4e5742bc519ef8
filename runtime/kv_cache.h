// KvCache: keys and values of all positions up to now, per KV cache entry (spec: KvEntries).
//
// Each key/value head of an entry is a [max_tokens, head_dim] matrix of its own, so that attention
// streams it from front to back.
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/kernels/matrix.h"
#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin::runtime {

class KvCache {
 public:
  // Throws EnvironmentError where memory does not suffice.
  KvCache(const ModelSpec& spec, int64_t max_tokens);

  // [max_tokens, head_dim]
  [[nodiscard]] MutableMatrix Keys(int64_t entry, int64_t kv_head) const {
    return Head(2 * entry, kv_head);
  }
  [[nodiscard]] MutableMatrix Values(int64_t entry, int64_t kv_head) const {
    return Head(2 * entry + 1, kv_head);
  }

 private:
  [[nodiscard]] MutableMatrix Head(int64_t half, int64_t kv_head) const {
    const int64_t head_floats = max_tokens_ * head_dim_;
    return Dense(floats_.get() + (half * n_kv_heads_ + kv_head) * head_floats, max_tokens_,
                 head_dim_);
  }

  int64_t n_kv_heads_;
  int64_t head_dim_;
  int64_t max_tokens_;
  std::shared_ptr<float> floats_;  // [entries, key and value, n_kv_heads, max_tokens, head_dim]
};

}  // namespace deepthin::runtime

// KvCache: keys and values of all positions up to now, per KV cache entry (spec: KvEntries), in
// f32, f16 or int8 (a scale for each position's keys, and one for its values, over all heads).
//
// Each key/value head of an entry lies apart, so that attention streams it from front to back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime/kernels/kernels.h"
#include "runtime/kernels/kv_view.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

class KvCache {
 public:
  // Throws InputError where the runtime has no such KV cache, EnvironmentError where memory does
  // not suffice.
  KvCache(const ModelSpec& spec, Dtype dtype, int64_t max_tokens);

  [[nodiscard]] Dtype dtype() const { return dtype_; }
  [[nodiscard]] KvView Keys(int64_t entry, int64_t kv_head) const {
    return Head(2 * entry, kv_head);
  }
  [[nodiscard]] KvView Values(int64_t entry, int64_t kv_head) const {
    return Head(2 * entry + 1, kv_head);
  }

  // keys, values: [n_kv_heads x head_dim]. Different positions may be stored at the same time.
  void Store(const Kernels& kernels, int64_t entry, int64_t position, const float* keys,
             const float* values);

 private:
  // row: [n_kv_heads x head_dim]; index_of(c): where element c of a head lies.
  template <class T, class IndexOf>
  void Scatter(int64_t half, const T* row, const IndexOf& index_of);
  [[nodiscard]] std::byte* HeadData(int64_t half, int64_t kv_head) const;
  [[nodiscard]] KvView Head(int64_t half, int64_t kv_head) const;

  Dtype dtype_;
  int64_t n_kv_heads_;
  int64_t head_dim_;
  int64_t capacity_;                // positions, in whole blocks of keys
  std::shared_ptr<float> storage_;  // [entries, key and value, n_kv_heads, capacity x head_dim]
  std::shared_ptr<float> scales_;   // [entries, key and value, capacity]; int8 only
};

}  // namespace deepthin::runtime

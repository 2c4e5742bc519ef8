// Attention: grouped-query attention of the tokens of one pass over a KV cache entry.
//
// The work is cut into items: one key/value head x some tokens x some positions. An item goes
// through its positions in chunks, and through each chunk once for all its query rows (online
// softmax), so that keys and values are streamed once per item. A single token's positions are
// spread over several items, so that all threads have work; what they found is joined at the end.
// The cut depends on the number of tokens and positions alone, never on the threads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/kernels/kernels.h"
#include "runtime/kv_cache.h"
#include "runtime/thread_pool.h"
#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin::runtime {

class Attention {
 public:
  // Buffers for passes of at most max_pass tokens up to position max_tokens. Throws
  // EnvironmentError where memory does not suffice.
  Attention(const ModelSpec& spec, const Kernels& kernels, ThreadPool& pool, int64_t max_tokens,
            int64_t max_pass);

  // Query rows of the pass: [n_kv_heads, tokens, group, head_dim] in the buffer that Queries()
  // views, where the caller puts them after RoPE.
  [[nodiscard]] MutableMatrix Queries(int64_t kv_head, int64_t token, int64_t tokens) const;

  // out: [tokens, n_heads x head_dim]. The pass's first token is at `position`, and its own keys
  // and values are in the cache already; token t sees positions [0, position + t]. Returns the KV
  // bytes that it read.
  Bytes Run(const KvCache& cache, int64_t entry, int64_t position, int64_t tokens,
            MutableMatrix out);

 private:
  struct Item {
    int64_t kv_head;
    int64_t first_token, end_token;
    int64_t first_position, end_position;
    int64_t first_row;  // of its rows in partial_ and states_
  };

  void CutIntoItems(int64_t position, int64_t tokens);
  void RunItem(const Item& item, const KvCache& cache, int64_t entry, int64_t position,
               int64_t tokens);
  void Join(int64_t token, MutableMatrix out);

  int64_t group_;  // query heads per key/value head
  int64_t n_kv_heads_;
  int64_t head_dim_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  std::vector<Item> items_;
  std::shared_ptr<float> queries_;
  std::shared_ptr<float> partial_;    // [rows of all items, head_dim], before division by the sum
  std::vector<SoftmaxState> states_;  // of each row of partial_
};

}  // namespace deepthin::runtime

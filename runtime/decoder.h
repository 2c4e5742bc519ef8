// Decoder: executes a ModelSpec on this CPU, with a KV cache.
//
//   ThreadPool pool(2);
//   Weights weights = RandomWeights(spec, /*seed=*/1, pool);
//   Decoder decoder(weights, pool, /*max_tokens=*/256);
//   std::span<const float> logits = decoder.Forward(prompt, Logits::kLast);   // prefill
//   logits = decoder.Forward({&token, 1}, Logits::kLast);                      // decode
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "runtime/thread_pool.h"
#include "runtime/weights.h"
#include "spec/units.h"

namespace deepthin::runtime {

class Profile;

enum class Logits { kLast, kAll };

// Owner of KV cache and buffers; shares the weights' storage; the pool outlives it. One thread at a
// time. The kernels are those of ActiveKernels() when it is made.
class Decoder {
 public:
  // Room for max_tokens positions. REQUIRES: Validate(weights.spec), 1 <= max_tokens <=
  // max_seq_len. Throws EnvironmentError where memory does not suffice, InputError where
  // DEEPTHIN_FORCE_TARGET names no instruction set of this CPU or kv is none of f32, f16, int8.
  Decoder(const Weights& weights, ThreadPool& pool, int64_t max_tokens, Dtype kv = Dtype::kF32);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Appends tokens at position() and returns logits, [1 or n tokens, vocab_size], valid until the
  // next call. Equal to any other split of the same tokens up to rounding. REQUIRES: not empty, ids
  // in [0, vocab_size), position() + size <= max_tokens.
  [[nodiscard]] std::span<const float> Forward(std::span<const int32_t> tokens, Logits which);

  [[nodiscard]] int64_t position() const;  // tokens in the KV cache
  void Reset();                            // empties the KV cache
  // Goes to `position`: back, where other tokens may follow, or forward again to where it has been
  // since Reset(), which makes sense only if the tokens fed meanwhile were the same ones. REQUIRES:
  // from 0 to the furthest position since Reset().
  void Seek(int64_t position);

  // Weight and KV cache bytes read and KV bytes written since construction, counted where they are
  // touched: in decode all weights of each executed block, final norm, head and one embedding row,
  // and the KV rows of all positions; in prefill the weights once per tile of 256 tokens (per token
  // for blocks that share a KV cache entry), and keys and values once per 8 tokens.
  [[nodiscard]] Bytes bytes_touched() const;

  // Later passes are recorded there; null (as at first): nowhere. The profile outlives them.
  void set_profile(Profile* profile);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deepthin::runtime

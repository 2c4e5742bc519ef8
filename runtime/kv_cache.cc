#include "runtime/kv_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "runtime/memory.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Elements that are converted at a time, on the stack.
constexpr int64_t kPiece = 512;

int64_t InWholeBlocks(int64_t positions) {
  return (positions + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
}

}  // namespace

KvCache::KvCache(const ModelSpec& spec, Dtype dtype, int64_t max_tokens)
    : dtype_(dtype),
      n_kv_heads_(spec.n_kv_heads),
      head_dim_(spec.head_dim),
      capacity_(InWholeBlocks(max_tokens)) {
  if (dtype != Dtype::kF32 && dtype != Dtype::kF16 && dtype != Dtype::kInt8) {
    throw InputError({"", "/kv"}, "is " + std::string(ToText(dtype)), "f32, f16 or int8");
  }
  const int64_t halves = 2 * KvEntryCount(spec);
  const int64_t row_bytes = halves * KvDim(spec) * KvElementBytes(dtype);  // < 2^38: Validate()
  int64_t bytes = 0;
  if (__builtin_mul_overflow(row_bytes, capacity_, &bytes)) {
    throw EnvironmentError("the KV cache needs more memory than can be addressed");
  }
  const std::string what = fmt::format("the KV cache of {} tokens", max_tokens);
  storage_ = AllocateFloats(bytes / 4, what);  // a whole block is a multiple of 16 bytes
  if (dtype == Dtype::kInt8) scales_ = AllocateFloats(halves * capacity_, what);
}

std::byte* KvCache::HeadData(int64_t half, int64_t kv_head) const {
  const int64_t head_bytes = capacity_ * head_dim_ * KvElementBytes(dtype_);
  return reinterpret_cast<std::byte*>(storage_.get()) + (half * n_kv_heads_ + kv_head) * head_bytes;
}

KvView KvCache::Head(int64_t half, int64_t kv_head) const {
  return {dtype_, head_dim_, HeadData(half, kv_head),
          scales_ == nullptr ? nullptr : scales_.get() + half * capacity_};
}

template <class T, class IndexOf, class Convert>
void KvCache::StorePieces(int64_t half, const float* x, const IndexOf& index_of,
                          const Convert& convert) {
  T piece[kPiece];
  for (int64_t h = 0; h < n_kv_heads_; ++h) {
    T* out = reinterpret_cast<T*>(HeadData(half, h));
    for (int64_t begin = 0; begin < head_dim_; begin += kPiece) {
      const int64_t count = std::min(kPiece, head_dim_ - begin);
      convert(x + h * head_dim_ + begin, count, piece);
      for (int64_t i = 0; i < count; ++i) out[index_of(begin + i)] = piece[i];
    }
  }
}

void KvCache::Store(const Kernels& kernels, int64_t entry, int64_t position, const float* keys,
                    const float* values) {
  const int64_t key_base = position / kKeyBlock * head_dim_ * kKeyBlock + position % kKeyBlock;
  const auto key_index = [&](int64_t c) { return key_base + c * kKeyBlock; };
  const auto value_index = [&](int64_t c) { return position * head_dim_ + c; };
  const auto store_both = [&](auto convert) {
    convert(2 * entry, keys, key_index);
    convert(2 * entry + 1, values, value_index);
  };
  switch (dtype_) {
    case Dtype::kF16:
      store_both([&](int64_t half, const float* x, const auto& index_of) {
        StorePieces<uint16_t>(half, x, index_of, kernels.ToF16);
      });
      return;
    case Dtype::kInt8:
      store_both([&](int64_t half, const float* x, const auto& index_of) {
        const int64_t n = n_kv_heads_ * head_dim_;
        float amax = 0;
        for (int64_t i = 0; i < n; ++i) amax = std::max(amax, std::abs(x[i]));
        scales_.get()[half * capacity_ + position] = amax / 127.0F;
        const float inverse = amax == 0 ? 0.0F : 127.0F / amax;
        StorePieces<int8_t>(half, x, index_of,
                            [inverse](const float* in, int64_t count, int8_t* out) {
                              for (int64_t i = 0; i < count; ++i) {
                                out[i] = static_cast<int8_t>(std::nearbyint(in[i] * inverse));
                              }
                            });
      });
      return;
    default:
      store_both([&](int64_t half, const float* x, const auto& index_of) {
        StorePieces<float>(half, x, index_of, [](const float* in, int64_t count, float* out) {
          std::copy_n(in, count, out);
        });
      });
      return;
  }
}

}  // namespace deepthin::runtime

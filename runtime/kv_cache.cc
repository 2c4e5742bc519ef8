#include "runtime/kv_cache.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "runtime/memory.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

int64_t InWholeBlocks(int64_t positions) {
  return (positions + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
}

// This thread's, until it asks again.
template <class T>
T* ConvertedRow(int64_t n) {
  thread_local std::vector<T> row;
  if (static_cast<int64_t>(row.size()) < n) row.resize(static_cast<size_t>(n));
  return row.data();
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

template <class T, class IndexOf>
void KvCache::Scatter(int64_t half, const T* row, const IndexOf& index_of) {
  for (int64_t h = 0; h < n_kv_heads_; ++h) {
    T* out = reinterpret_cast<T*>(HeadData(half, h));
    for (int64_t c = 0; c < head_dim_; ++c) out[index_of(c)] = row[h * head_dim_ + c];
  }
}

void KvCache::Store(const Kernels& kernels, int64_t entry, int64_t position, const float* keys,
                    const float* values) {
  const int64_t n = n_kv_heads_ * head_dim_;
  const int64_t key_base = position / kKeyBlock * head_dim_ * kKeyBlock + position % kKeyBlock;
  const auto key_index = [&](int64_t c) { return key_base + c * kKeyBlock; };
  const auto value_index = [&](int64_t c) { return position * head_dim_ + c; };
  // convert(half, x): the row x in the cache's format.
  const auto store_both = [&](auto convert) {
    Scatter(2 * entry, convert(2 * entry, keys), key_index);
    Scatter(2 * entry + 1, convert(2 * entry + 1, values), value_index);
  };
  switch (dtype_) {
    case Dtype::kF16:
      store_both([&](int64_t, const float* x) {
        uint16_t* row = ConvertedRow<uint16_t>(n);
        kernels.ToF16(x, n, row);
        return row;
      });
      return;
    case Dtype::kInt8:
      store_both([&](int64_t half, const float* x) {
        int8_t* row = ConvertedRow<int8_t>(PaddedCols(n));
        kernels.QuantizeRow(x, n, row, scales_.get() + half * capacity_ + position);
        return row;
      });
      return;
    default:
      store_both([](int64_t, const float* x) { return x; });
      return;
  }
}

}  // namespace deepthin::runtime

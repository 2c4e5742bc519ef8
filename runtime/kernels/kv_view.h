// KvView: keys or values of one key/value head, as the KV cache holds them and attention reads
// them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "spec/dtype.h"

namespace deepthin::runtime {

// Keys lie in blocks of so many positions, [head_dim, kKeyBlock] each: scores of neighbouring
// positions are neighbouring lanes, and no sum goes across lanes. One vector of the widest set.
inline constexpr int64_t kKeyBlock = 16;

[[nodiscard]] constexpr int64_t KvElementBytes(Dtype dtype) {
  return StorageBytes(dtype, 1, 2).value() - StorageBytes(dtype, 1, 1).value();
}

// Elements are f32, f16 or int8. Key element c of position p is number
// (p / kKeyBlock x head_dim + c) x kKeyBlock + p mod kKeyBlock; value element c is number
// p x head_dim + c.
struct KvView {
  Dtype dtype = Dtype::kF32;
  int64_t head_dim = 0;
  const std::byte* data = nullptr;
  const float* scales = nullptr;  // int8 only: of each position

  // What begins at position `begin`, for keys a multiple of kKeyBlock.
  [[nodiscard]] KvView From(int64_t begin) const {
    return {dtype, head_dim, data + begin * head_dim * KvElementBytes(dtype),
            scales == nullptr ? nullptr : scales + begin};
  }
};

}  // namespace deepthin::runtime

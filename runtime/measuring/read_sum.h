// The inner loop of the bandwidth measurement.
#pragma once

#include <cstddef>

namespace deepthin::runtime {

constexpr size_t kReadBlock = 64;  // floats

// Sum of n floats, each read once. REQUIRES: n a multiple of kReadBlock, data aligned to 64 bytes.
[[nodiscard]] float ReadSum(const float* data, size_t n);

}  // namespace deepthin::runtime

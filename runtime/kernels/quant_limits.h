// What the integer sums of quantised products hold.
#pragma once

#include <cstdint>

namespace deepthin::runtime {

// Int32 holds the sum over so many columns of int8: 2^31 / (128 x 127), rounded down. A longer row,
// which no model has, is left to the scalar twin.
inline constexpr int64_t kMaxInt8Cols = 131072;

}  // namespace deepthin::runtime

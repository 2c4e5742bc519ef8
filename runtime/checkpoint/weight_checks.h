// Checks of numbers that come from files: one NaN in a weight makes every token one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/kernels/weight_matrix.h"
#include "spec/errors.h"

namespace deepthin::runtime {

// Index of the first infinity or NaN. Reads memory once, at about its speed.
[[nodiscard]] std::optional<int64_t> FirstNotFinite(std::span<const float> floats);

// Throws InputError with the row and column where an element, or in the quantised formats a scale,
// is no finite number.
void RequireFinite(const WeightMatrix& w, const InputError::Where& where);
void RequireFinite(std::span<const float> norm, const InputError::Where& where);

}  // namespace deepthin::runtime

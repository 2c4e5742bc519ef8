// Products with weights in Q8_0, Q4_0 and int8 by the dot products of Armv8.2 (sdot), which add
// four products of signed bytes to an int32 at once: Highway 1.0 has no name for them. reference.h
// says what the products are; kernels.h what they depend on.
#pragma once

#include "runtime/kernels/activations.h"
#include "runtime/kernels/matrix.h"
#include "runtime/kernels/weight_matrix.h"

namespace deepthin::runtime::dotprod {

// This CPU, and the compiler of this library, have what the functions below need.
[[nodiscard]] bool Supported();

// REQUIRE: Supported().
void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);

}  // namespace deepthin::runtime::dotprod

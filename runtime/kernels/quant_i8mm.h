// Products of several tokens with weights in Q8_0, Q4_0 and int8 by the matrix products of Armv8.6
// (smmla): 2 x 8 times 8 x 2 signed bytes to 2 x 2 int32, twice the work of sdot. reference.h says
// what the products are; one token is left to quant_arm.h.
#pragma once

#include "runtime/kernels/activations.h"
#include "runtime/kernels/matrix.h"
#include "runtime/kernels/weight_matrix.h"

namespace deepthin::runtime::i8mm {

// This CPU, and the compiler of this library, have what the functions below need.
[[nodiscard]] bool Supported();

// REQUIRE: Supported().
void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);

}  // namespace deepthin::runtime::i8mm

// Products with weights in Q8_0, Q4_0 and int8 by AVX-512 VNNI, whose vpdpbusd adds four products
// of unsigned and signed bytes to an int32 at once: Highway 1.0 has no name for it. Weights become
// unsigned by an offset, for which each sum is corrected by what it adds. reference.h says what the
// products are; kernels.h what they depend on.
#pragma once

#include "runtime/kernels/activations.h"
#include "runtime/kernels/matrix.h"
#include "runtime/kernels/weight_matrix.h"

namespace deepthin::runtime::vnni {

// This CPU, and the system on it, have what the functions below need.
[[nodiscard]] bool Supported();

// REQUIRE: Supported().
void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);

// The parts of them. One token: y is a row.
void MatVecQ8_0(const WeightMatrix& w, const ActivationView& x, float* y);
void MatVecQ4_0(const WeightMatrix& w, const ActivationView& x, float* y);
void MatVecInt8(const WeightMatrix& w, const ActivationView& x, float* y);

// What an unsigned weight is larger by.
inline constexpr int kByteOffset = 128;
inline constexpr int kNibbleOffset = 8;

}  // namespace deepthin::runtime::vnni

// Products with weights in bf16 by AVX512-BF16, whose vdpbf16ps adds two products of bf16 to an
// f32: activations are rounded to bf16, also for one token, so that prefill and decode agree.
// reference.h says what the product is; kernels.h what it depends on.
#pragma once

#include "runtime/kernels/activations.h"
#include "runtime/kernels/matrix.h"
#include "runtime/kernels/weight_matrix.h"

namespace deepthin::runtime::bf16 {

// This CPU, and the system on it, have what the function below needs, and are the faster for it:
// an AMD Zen 4 core runs twice the FLOP/s of its multiply-adds in f32 (203 against 97 GFLOP/s), an
// Intel core with AMX was seen to run half of them (121 against 243).
[[nodiscard]] bool Supported();

// REQUIRES: Supported().
void MatMulBf16(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);

}  // namespace deepthin::runtime::bf16

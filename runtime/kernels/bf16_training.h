// The trainer's products of operands in bf16 by AVX512-BF16: Bf16Products of training_kernels.h
// says what each function is. REQUIRES: bf16::Supported() of bf16_products.h.
#pragma once

#include "runtime/kernels/training_reference.h"

namespace deepthin::runtime::bf16 {

void RoundRows(MatrixView<const float> rows, float* out);
void PairRows(MatrixView<const float> rows, MatrixView<float> out);
void PackRows(MatrixView<const float> rows, float* panel);
void PackColumns(MatrixView<const float> columns, float* panel);
void Multiply(const LeftOperand<float>& left, MatrixView<const float> right,
              MatrixView<const float> base, MatrixView<float> out);

}  // namespace deepthin::runtime::bf16

// What every matrix product of a Kernels has to hold, whatever the format of its weights.
#pragma once

#include "runtime/kernels/kernels.h"

namespace deepthin::runtime {

// Against the scalar twin over odd sizes, with what lies between the rows of y left alone.
void CheckMatMul(const Kernels& kernels, Dtype dtype);

// Thread counts must not change a single bit: a result depends neither on the rows and tokens
// beside it nor on where a range begins.
void CheckProductsDoNotDependOnTheRange(const Kernels& kernels, Dtype dtype);

// int8 and scales equal those of the twin bit for bit.
void CheckQuantize(decltype(&reference::QuantizeRow) run, decltype(&reference::QuantizeRow) twin);

}  // namespace deepthin::runtime

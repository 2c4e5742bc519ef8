// What the attention kernels of a Kernels have to hold, for every format of the KV cache.
#pragma once

#include "runtime/kernels/kernels.h"

namespace deepthin::runtime {

// Against the scalar twins over odd sizes.
void CheckAttentionScores(const Kernels& kernels);
void CheckAttentionValues(const Kernels& kernels);

// To the nearest, ties to even, over the whole range of f16.
void CheckToF16(const Kernels& kernels);

}  // namespace deepthin::runtime

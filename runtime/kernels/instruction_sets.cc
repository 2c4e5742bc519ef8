#include "runtime/kernels/instruction_sets.h"

#include "runtime/kernels/bf16_products.h"
#include "runtime/kernels/quant_arm.h"
#include "runtime/kernels/quant_i8mm.h"
#include "runtime/kernels/quant_vnni.h"

namespace deepthin::runtime {
namespace {

// Puts a copy of the best set, named `target`, before it, and returns it.
[[maybe_unused]] Kernels& Derive(std::vector<Kernels>& sets, const char* target) {
  Kernels derived = sets.front();
  derived.target = target;
  return *sets.insert(sets.begin(), derived);
}

}  // namespace

void AddDerivedSets(std::vector<Kernels>& sets) {
#if defined(__x86_64__)
  if (sets.front().target == "AVX3" && vnni::Supported()) {
    Kernels& derived = Derive(sets, "AVX3_VNNI");
    derived.MatMulQ8_0 = vnni::MatMulQ8_0;
    derived.MatMulQ4_0 = vnni::MatMulQ4_0;
    derived.MatMulInt8 = vnni::MatMulInt8;
    if (bf16::Supported()) Derive(sets, "AVX3_VNNI_BF16").MatMulBf16 = bf16::MatMulBf16;
  }
#elif defined(__aarch64__)
  if (dotprod::Supported()) {
    Kernels& derived = Derive(sets, "NEON_DOTPROD");
    derived.MatMulQ8_0 = dotprod::MatMulQ8_0;
    derived.MatMulQ4_0 = dotprod::MatMulQ4_0;
    derived.MatMulInt8 = dotprod::MatMulInt8;
  }
  if (i8mm::Supported()) {
    Kernels& derived = Derive(sets, "NEON_DOTPROD_I8MM");
    derived.MatMulQ8_0 = i8mm::MatMulQ8_0;
    derived.MatMulQ4_0 = i8mm::MatMulQ4_0;
    derived.MatMulInt8 = i8mm::MatMulInt8;
  }
#endif
}

}  // namespace deepthin::runtime

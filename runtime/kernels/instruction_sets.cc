#include "runtime/kernels/instruction_sets.h"

#include "runtime/kernels/quant_arm.h"
#include "runtime/kernels/quant_i8mm.h"
#include "runtime/kernels/quant_vnni.h"

namespace deepthin::runtime {

void AddDerivedSets(std::vector<Kernels>& sets) {
#if defined(__x86_64__)
  if (sets.front().target == "AVX3" && vnni::Supported()) {
    Kernels derived = sets.front();
    derived.target = "AVX3_VNNI";
    derived.MatMulQ8_0 = vnni::MatMulQ8_0;
    derived.MatMulQ4_0 = vnni::MatMulQ4_0;
    derived.MatMulInt8 = vnni::MatMulInt8;
    sets.insert(sets.begin(), derived);
  }
#elif defined(__aarch64__)
  if (dotprod::Supported()) {
    Kernels derived = sets.front();
    derived.target = "NEON_DOTPROD";
    derived.MatMulQ8_0 = dotprod::MatMulQ8_0;
    derived.MatMulQ4_0 = dotprod::MatMulQ4_0;
    derived.MatMulInt8 = dotprod::MatMulInt8;
    sets.insert(sets.begin(), derived);
  }
  if (i8mm::Supported()) {
    Kernels derived = sets.front();
    derived.target = "NEON_DOTPROD_I8MM";
    derived.MatMulQ8_0 = i8mm::MatMulQ8_0;
    derived.MatMulQ4_0 = i8mm::MatMulQ4_0;
    derived.MatMulInt8 = i8mm::MatMulInt8;
    sets.insert(sets.begin(), derived);
  }
#else
  static_cast<void>(sets);
#endif
}

}  // namespace deepthin::runtime

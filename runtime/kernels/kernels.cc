#include "runtime/kernels/kernels.h"

#include <cstdlib>
#include <vector>

#include "runtime/kernels/highway_targets.h"
#include "runtime/kernels/instruction_sets.h"
#include "spec/errors.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/kernels/kernels.cc"
// clang-format off: foreach_target.h comes before highway.h, which our own files include.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "runtime/kernels/attention-inl.h"
#include "runtime/kernels/elementwise-inl.h"
#include "runtime/kernels/float_products-inl.h"
#include "runtime/kernels/quant_activations-inl.h"
#include "runtime/kernels/quant_products-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {

Kernels MakeKernels() {
  return {
      .target = hwy::TargetName(HWY_TARGET),
// A name cannot stand in parentheses here. NOLINTNEXTLINE(bugprone-macro-parentheses)
#define DEEPTHIN_KERNEL(name) .name = &name,
#include "runtime/kernels/kernel_table.inc"
#undef DEEPTHIN_KERNEL
  };
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace deepthin::runtime {
namespace {

HWY_EXPORT(MakeKernels);

// What SIMD is compared with: the same numbers but for rounding.
Kernels ScalarKernels() {
  return {
      .target = "SCALAR",
// A name cannot stand in parentheses here. NOLINTNEXTLINE(bugprone-macro-parentheses)
#define DEEPTHIN_KERNEL(name) .name = &reference::name,
#include "runtime/kernels/kernel_table.inc"
#undef DEEPTHIN_KERNEL
  };
}

std::vector<Kernels> MakeSupportedKernels() {
  std::vector<Kernels> all;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {  // lowest bit is the best
    hwy::ChosenTarget chosen;
    chosen.Update(target);
    all.push_back(HWY_DISPATCH_TABLE(MakeKernels)[chosen.GetIndex()]());
  }
  AddDerivedSets(all);
  all.push_back(ScalarKernels());
  return all;
}

}  // namespace

std::span<const Kernels> SupportedKernels() {
  static const std::vector<Kernels> all = MakeSupportedKernels();
  return all;
}

const Kernels& ActiveKernels() {
  const std::span<const Kernels> all = SupportedKernels();
  const char* forced = std::getenv("DEEPTHIN_FORCE_TARGET");
  if (forced == nullptr) return all.front();
  std::string names;
  for (const Kernels& kernels : all) {
    if (kernels.target == forced) return kernels;
    names += (names.empty() ? "" : ", ") + std::string(kernels.target);
  }
  throw InputError({"environment variable DEEPTHIN_FORCE_TARGET", ""},
                   "is '" + std::string(forced) + "'", "what this CPU supports: " + names);
}

decltype(&reference::MatMulF32) Kernels::MatMul(Dtype weights) const {
  switch (weights) {
    case Dtype::kF32:
      return MatMulF32;
    case Dtype::kF16:
      return MatMulF16;
    case Dtype::kBf16:
      return MatMulBf16;
    case Dtype::kQ8_0:
      return MatMulQ8_0;
    case Dtype::kQ4_0:
      return MatMulQ4_0;
    case Dtype::kInt8:
      return MatMulInt8;
  }
  DEEPTHIN_CHECK(false);
}

std::string ActiveTarget() { return std::string(ActiveKernels().target); }

}  // namespace deepthin::runtime
#endif  // HWY_ONCE

#include "runtime/kernels/training_kernels.h"

#include "runtime/kernels/bf16_products.h"
#include "runtime/kernels/bf16_training.h"
#include "runtime/kernels/highway_targets.h"
#include "runtime/kernels/kernels.h"
#include "spec/errors.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/kernels/training_kernels.cc"
// clang-format off: foreach_target.h comes before highway.h, which our own files include.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "runtime/kernels/training_products-inl.h"
#include "runtime/kernels/training_rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {

void PackColumns(MatrixView<const float> columns, float* panel) {
  reference::PackColumns(columns, panel);
}

TrainingKernels<float> MakeTrainingKernels() {
  return {
// A name cannot stand in parentheses here. NOLINTNEXTLINE(bugprone-macro-parentheses)
#define DEEPTHIN_TRAINING_KERNEL(name) .name = &name,
#include "runtime/kernels/training_kernel_table.inc"
#undef DEEPTHIN_TRAINING_KERNEL
  };
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace deepthin::runtime {
namespace {

HWY_EXPORT(MakeTrainingKernels);

}  // namespace

template <class T>
TrainingKernels<T> ReferenceTrainingKernels() {
  return {
// A name cannot stand in parentheses here. NOLINTNEXTLINE(bugprone-macro-parentheses)
#define DEEPTHIN_TRAINING_KERNEL(name) .name = &reference::name<T>,
#include "runtime/kernels/training_kernel_table.inc"
#undef DEEPTHIN_TRAINING_KERNEL
  };
}

TrainingKernels<float> TrainingKernelsFor(std::string_view target) {
  for (const int64_t set : hwy::SupportedAndGeneratedTargets()) {
    if (!target.starts_with(hwy::TargetName(set))) continue;
    hwy::ChosenTarget chosen;
    chosen.Update(set);
    return HWY_DISPATCH_TABLE(MakeTrainingKernels)[chosen.GetIndex()]();
  }
  return ReferenceTrainingKernels<float>();
}

template <>
const TrainingKernels<float>& ActiveTrainingKernels<float>() {
  static const TrainingKernels<float> kernels = TrainingKernelsFor(ActiveKernels().target);
  return kernels;
}

template <>
const TrainingKernels<double>& ActiveTrainingKernels<double>() {
  static const TrainingKernels<double> kernels = ReferenceTrainingKernels<double>();
  return kernels;
}

template TrainingKernels<float> ReferenceTrainingKernels<float>();
template TrainingKernels<double> ReferenceTrainingKernels<double>();

const Bf16Products* ActiveBf16Products() {
#if defined(__x86_64__)
  static constexpr Bf16Products kProducts = {
      .RoundRows = bf16::RoundRows,
      .PairRows = bf16::PairRows,
      .PackRows = bf16::PackRows,
      .PackColumns = bf16::PackColumns,
      .Multiply = bf16::Multiply,
  };
  if (ActiveKernels().target.ends_with("_BF16")) return &kProducts;
#endif
  return nullptr;
}

}  // namespace deepthin::runtime
#endif  // HWY_ONCE

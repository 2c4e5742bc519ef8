// TrainingKernels: the trainer's inner loops for the instruction set that was chosen at run time.
//
//   const TrainingKernels<float>& kernels = ActiveTrainingKernels<float>();
//   kernels.Multiply({x.data, x.stride, 1}, right, {}, y);
//
// Plain C++: Highway stays behind it. training_reference.h says what each kernel computes. An
// element of a product depends neither on those beside it nor on how many rows and columns are
// asked for at once, so that no split among threads changes a bit.
#pragma once

#include <string_view>

#include "runtime/kernels/training_reference.h"

namespace deepthin::runtime {

template <class T>
struct TrainingKernels {
// Called like functions. A name cannot stand in parentheses here. NOLINTNEXTLINE(bugprone-macro-*)
#define DEEPTHIN_TRAINING_KERNEL(name) decltype(&reference::name<T>) name;
#include "runtime/kernels/training_kernel_table.inc"
#undef DEEPTHIN_TRAINING_KERNEL
};

// The loops of training_reference.h.
template <class T>
[[nodiscard]] TrainingKernels<T> ReferenceTrainingKernels();

// For an instruction set of SupportedKernels(); sets that an extension derives have those of the
// set that it extends.
[[nodiscard]] TrainingKernels<float> TrainingKernelsFor(std::string_view target);

// For ActiveKernels().target in f32, the reference in f64. Looked up once: the environment decides,
// and does not change.
template <class T>
[[nodiscard]] const TrainingKernels<T>& ActiveTrainingKernels();
template <>
[[nodiscard]] const TrainingKernels<float>& ActiveTrainingKernels<float>();
template <>
[[nodiscard]] const TrainingKernels<double>& ActiveTrainingKernels<double>();

// Products of operands that are rounded to bf16 (to nearest, ties to even), with sums in f32.
// Panels hold two elements along the depth in the 4 bytes of a float: RoundedDepth of them. The
// left operand is RoundRows' output or, transposed, a panel.
struct Bf16Products {
  // out[i][k / 2]: rows of the left operand, of RoundedDepth(rows.cols) floats each.
  void (*RoundRows)(MatrixView<const float> rows, float* out);
  // out[k / 2][j]: elements k and k + 1 of column j. Of RoundedDepth(rows.rows) rows, written up to
  // Padded(rows.cols), with zeros for what is not there: a right operand or, transposed, a left.
  void (*PairRows)(MatrixView<const float> rows, MatrixView<float> out);
  decltype(&reference::PackRows<float>) PackRows;
  decltype(&reference::PackColumns<float>) PackColumns;
  // right.rows and the left operand's steps count floats of two elements.
  decltype(&reference::Multiply<float>) Multiply;
};

// Floats that two elements each of a depth take.
[[nodiscard]] inline int64_t RoundedDepth(int64_t depth) { return (depth + 1) / 2; }

// Null where this CPU does not multiply bf16 faster than f32, or DEEPTHIN_FORCE_TARGET names a set
// without it.
[[nodiscard]] const Bf16Products* ActiveBf16Products();

}  // namespace deepthin::runtime

// Kernels: the inner loops of the decoder, for the instruction set that was chosen at run time.
//
//   const Kernels& kernels = ActiveKernels();   // once, where a decoder is made
//   kernels.MatMul(w.dtype)(w.Rows(begin, end), x, y);
//
// Plain C++: Highway stays behind it. reference.h says what each kernel computes. Every result is
// the same for every split of its rows among calls, and of its tokens among calls with two or more
// of them, so that it does not depend on the number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/kernels/matrix.h"
#include "runtime/kernels/reference.h"

namespace deepthin::runtime {

// Products of several tokens take rows by panels: where a range of rows is a multiple of this, none
// of a panel is wasted.
inline constexpr int64_t kRowsPerPanel = 32;

struct Kernels {
  // "AVX3", "AVX2", "SSE4", ... as Highway names it, with what extends it; "SCALAR": reference.h.
  std::string_view target;
// Called like functions. A name cannot stand in parentheses here. NOLINTNEXTLINE(bugprone-macro-*)
#define DEEPTHIN_KERNEL(name) decltype(&reference::name) name;
#include "runtime/kernels/kernel_table.inc"
#undef DEEPTHIN_KERNEL

  // The product for weights of this format.
  [[nodiscard]] decltype(&reference::MatMulF32) MatMul(Dtype weights) const;
};

// One for each instruction set that this CPU supports, best first; never empty.
[[nodiscard]] std::span<const Kernels> SupportedKernels();

// The best one, or the one that the environment variable DEEPTHIN_FORCE_TARGET names. Throws
// InputError, listing the names there are, where it names none of them.
[[nodiscard]] const Kernels& ActiveKernels();

// Name of ActiveKernels(), as measurements record it.
[[nodiscard]] std::string ActiveTarget();

}  // namespace deepthin::runtime

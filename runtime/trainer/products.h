// The trainer's products of dense matrices, by panels: the right operand is brought into panels of
// 64 columns (runtime/kernels/training_kernels.h), whichever way round it lies, and a tile of sums
// goes through the depth of a panel. In f64, for gradient checks, the kernels are plain loops.
//
// Every result is the same for every number of threads.
#pragma once

#include <cstdint>

#include "runtime/kernels/matrix.h"
#include "runtime/kernels/training_kernels.h"
#include "runtime/thread_pool.h"
#include "runtime/trainer/tensor.h"

namespace deepthin::runtime {

// What products are computed in. Sums, weights and everything else are f32 either way.
enum class ProductPrecision {
  kF32,
  kBf16,  // operands rounded to bf16
};

// Whether this CPU multiplies so, and faster than in f32.
[[nodiscard]] bool IsSupported(ProductPrecision precision);
// bf16 where this CPU multiplies it faster than f32, else f32.
[[nodiscard]] ProductPrecision FastestPrecision();

// What products of one precision are made of. Panels and rounded rows hold per_row elements along
// the depth in a T.
template <class T>
struct ProductKernels {
  int64_t per_row = 1;
  // Bf16Products'; null where left operands, and right ones of padded rows, are read as they lie.
  void (*RoundRows)(MatrixView<const T> rows, T* out) = nullptr;
  void (*PairRows)(MatrixView<const T> rows, MatrixView<T> out) = nullptr;
  decltype(&reference::PackRows<T>) PackRows = nullptr;
  decltype(&reference::PackColumns<T>) PackColumns = nullptr;
  decltype(&reference::Multiply<T>) Multiply = nullptr;

  // Rows of a right operand for so many elements along the depth.
  [[nodiscard]] int64_t Depth(int64_t elements) const { return (elements + per_row - 1) / per_row; }
};

// REQUIRES: IsSupported(precision); kF32 where T is double.
template <class T>
[[nodiscard]] ProductKernels<T> ProductKernelsFor(ProductPrecision precision);

// A right operand in panels.
template <class T>
struct PackedMatrix {
  int64_t depth = 0;
  int64_t cols = 0;
  Tensor<T> panels;  // at least [panels of 64 columns x depth, 64]
};

// An operand of a weight's gradient in panels: columns of a matrix of tokens.
template <class T>
struct PackedTokens {
  int64_t tokens = 0;
  int64_t cols = 0;
  Tensor<T> panels;
};

// The operands are those of a linear map: w [outputs, inputs], x [tokens, inputs], y [tokens,
// outputs]. Matrices and gradients of weights are on all threads of the pool, which outlives it;
// what is done with some tokens is on the calling thread, so that each thread may take some of them
// through several products. REQUIRES: IsSupported(precision). Throws EnvironmentError where memory
// does not suffice.
template <class T>
class Products {
 public:
  explicit Products(ThreadPool& pool, ProductPrecision precision = ProductPrecision::kF32);

  // For y = x w^T and for dx = dy w.
  void PackTransposed(MatrixView<const T> w, PackedMatrix<T>& packed);
  void Pack(MatrixView<const T> w, PackedMatrix<T>& packed);
  // out = base + left right, or left right where base has no data. base may be out. On the calling
  // thread.
  void Multiply(MatrixView<const T> left, const PackedMatrix<T>& right, MatrixView<const T> base,
                MatrixView<T> out) const;

  // Room for so many tokens.
  void Reserve(int64_t tokens, int64_t cols, PackedTokens<T>& packed) const;
  // Tokens `first` and following, on the calling thread. REQUIRES: room for them; first is even.
  void PackTokens(MatrixView<const T> m, int64_t first, PackedTokens<T>& packed) const;
  // dw += dy^T x
  void AddWeightGradient(const PackedTokens<T>& dy, const PackedTokens<T>& x, MatrixView<T> dw);
  void AddWeightGradient(MatrixView<const T> dy, MatrixView<const T> x, MatrixView<T> dw);

 private:
  void MultiplyRows(MatrixView<const T> left, const PackedMatrix<T>& right,
                    MatrixView<const T> base, MatrixView<T> out) const;

  ThreadPool& pool_;
  ProductKernels<T> kernels_;
  PackedTokens<T> left_, right_;  // of a weight gradient whose operands come as they are
};

}  // namespace deepthin::runtime

// The trainer's products of dense matrices: in f32 by the decoder's kernels, in f64 (for gradient
// checks) by plain loops. One form is computed, y = x w^T; the others transpose their way to it.
//
// Every result is the same for every number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/kernels/matrix.h"
#include "runtime/thread_pool.h"

namespace deepthin::runtime {

// out[c][r] = in[r][c]. REQUIRES: out is [in.cols, in.rows].
template <class T>
void Transpose(MatrixView<const T> in, MatrixView<T> out);

// On the calling thread; keeps its buffers, so one for each thread.
template <class T>
class SerialProducts {
 public:
  // out = x w^T: [n, rows] from [n, cols] and [rows, cols]. REQUIRES: w without gaps (stride ==
  // cols).
  void TimesTransposed(MatrixView<const T> x, MatrixView<const T> w, MatrixView<T> out);
  // out = x w: [n, cols] from [n, rows] and [rows, cols].
  void Times(MatrixView<const T> x, MatrixView<const T> w, MatrixView<T> out);
  // out += a^T b: [a.cols, b.cols] from [n, a.cols] and [n, b.cols].
  void AddTransposedTimes(MatrixView<const T> a, MatrixView<const T> b, MatrixView<T> out);

 private:
  std::vector<T> left_, right_, product_;
};

// On all threads of the pool, which outlives it. The operands are those of a linear map: w
// [outputs, inputs], x [tokens, inputs], y [tokens, outputs]. REQUIRES: w and its gradient without
// gaps.
template <class T>
class Products {
 public:
  explicit Products(ThreadPool& pool) : pool_(pool) {}

  // y = x w^T
  void Forward(MatrixView<const T> x, MatrixView<const T> w, MatrixView<T> y);
  // dx = dy w
  void InputGradient(MatrixView<const T> dy, MatrixView<const T> w, MatrixView<T> dx);
  // dw += dy^T x
  void AddWeightGradient(MatrixView<const T> dy, MatrixView<const T> x, MatrixView<T> dw);

 private:
  ThreadPool& pool_;
  std::vector<T> dy_transposed_;
};

}  // namespace deepthin::runtime

// MatrixView: a row-major matrix in memory that someone else owns, as the kernels take it.
#pragma once

#include <cstdint>

namespace deepthin::runtime {

template <class T>
struct MatrixView {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;  // elements from one row to the next; >= cols

  [[nodiscard]] T* Row(int64_t r) const { return data + r * stride; }
  // Rows [begin, end).
  [[nodiscard]] MatrixView Rows(int64_t begin, int64_t end) const {
    return {Row(begin), end - begin, cols, stride};
  }
  // Columns [begin, end) of all rows.
  [[nodiscard]] MatrixView Columns(int64_t begin, int64_t end) const {
    return {data + begin, rows, end - begin, stride};
  }
};

using ConstMatrix = MatrixView<const float>;
using MutableMatrix = MatrixView<float>;

[[nodiscard]] inline ConstMatrix AsConst(MutableMatrix m) {
  return {m.data, m.rows, m.cols, m.stride};
}

// Rows one behind the other, without gaps.
template <class T>
[[nodiscard]] MatrixView<T> Dense(T* data, int64_t rows, int64_t cols) {
  return {data, rows, cols, cols};
}

}  // namespace deepthin::runtime

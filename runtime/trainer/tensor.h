// Tensor: a dense matrix of the trainer in memory of its own, f32 or f64.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "runtime/kernels/matrix.h"
#include "runtime/memory.h"

namespace deepthin::runtime {

template <class T>
class Tensor {
 public:
  Tensor() = default;
  // Zeros. Throws EnvironmentError, naming what they are for, where memory does not suffice.
  Tensor(int64_t rows, int64_t cols, std::string_view what)
      : rows_(rows), cols_(cols), storage_(AllocateFloats(rows * cols * kFloats, what)) {}

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t cols() const { return cols_; }
  [[nodiscard]] T* data() { return reinterpret_cast<T*>(storage_.get()); }
  [[nodiscard]] const T* data() const { return reinterpret_cast<const T*>(storage_.get()); }
  [[nodiscard]] T* Row(int64_t r) { return data() + r * cols_; }
  [[nodiscard]] const T* Row(int64_t r) const { return data() + r * cols_; }
  [[nodiscard]] MatrixView<T> view() { return Dense(data(), rows_, cols_); }
  [[nodiscard]] MatrixView<const T> view() const { return Dense(data(), rows_, cols_); }
  // The first `rows` rows.
  [[nodiscard]] MatrixView<T> First(int64_t rows) { return Dense(data(), rows, cols_); }
  [[nodiscard]] std::span<T> values() { return {data(), static_cast<size_t>(rows_ * cols_)}; }
  [[nodiscard]] std::span<const T> values() const {
    return {data(), static_cast<size_t>(rows_ * cols_)};
  }

 private:
  static constexpr int64_t kFloats = std::is_same_v<T, double> ? 2 : 1;  // of an element's size
  static_assert(sizeof(T) == kFloats * sizeof(float));

  int64_t rows_ = 0;
  int64_t cols_ = 0;
  std::shared_ptr<float> storage_;
};

template <class T>
[[nodiscard]] MatrixView<const T> AsConstView(MatrixView<T> m) {
  return {m.data, m.rows, m.cols, m.stride};
}

}  // namespace deepthin::runtime

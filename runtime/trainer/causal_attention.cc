#include "runtime/trainer/causal_attention.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "runtime/kernels/thread_scratch.h"
#include "runtime/kernels/training_kernels.h"
#include "runtime/trainer/tensor.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Query positions of a tile. Up to so many positions behind each query are computed for nothing.
constexpr int64_t kTileQueries = 32;

// Columns of head `head` of a matrix of heads side by side, from column `begin` on.
template <class T>
MatrixView<T> Head(MatrixView<T> m, int64_t begin, int64_t head, int64_t head_dim) {
  return m.Columns(begin + head * head_dim, begin + (head + 1) * head_dim);
}

template <class T>
void CopyRows(MatrixView<const T> from, MatrixView<T> to) {
  for (int64_t r = 0; r < from.rows; ++r) std::copy_n(from.Row(r), from.cols, to.Row(r));
}

// to[c][r] = from[r][c], a cache line of `to` at a time.
template <class T>
void CopyTransposed(MatrixView<const T> from, MatrixView<T> to) {
  constexpr int64_t kRows = 16;
  for (int64_t r0 = 0; r0 < from.rows; r0 += kRows) {
    const int64_t end = std::min(r0 + kRows, from.rows);
    for (int64_t c = 0; c < from.cols; ++c) {
      T* row = to.Row(c);
      for (int64_t r = r0; r < end; ++r) row[r] = from.Row(r)[c];
    }
  }
}

template <class T>
void ClearRows(MatrixView<T> m) {
  for (int64_t r = 0; r < m.rows; ++r) std::fill_n(m.Row(r), m.cols, T{0});
}

template <class T>
LeftOperand<T> AsItLies(MatrixView<const T> m) {
  return {m.data, m.stride, 1};
}

template <class T>
LeftOperand<T> Transposed(MatrixView<const T> m) {
  return {m.data, 1, m.stride};
}

template <class T>
T Dot(const T* a, const T* b, int64_t n) {
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

// Rows are padded, so that products may read them by whole vectors.
template <class T>
struct CausalAttention<T>::Scratch {
  Scratch(const ModelSpec& spec, int64_t length) {
    // Rows at a power of two of bytes would share a few lines of the caches.
    const int64_t positions = Padded(length) + kPaddedTo;
    const int64_t dims = Padded(spec.head_dim);
    T* next = ThreadScratch<T>(ScratchUse::kAttention, 2 * length * dims + 4 * dims * positions +
                                                           2 * kTileQueries * positions);
    const auto take = [&next](int64_t rows, int64_t cols, int64_t stride) {
      const MatrixView<T> m = {next, rows, cols, stride};
      next += rows * stride;
      return m;
    };
    keys = take(length, spec.head_dim, dims);
    values = take(length, spec.head_dim, dims);
    for (auto* m : {&turned_keys, &turned_values, &dkeys, &dvalues}) {
      *m = take(spec.head_dim, length, positions);
    }
    for (auto* m : {&weights, &dweights}) *m = take(kTileQueries, length, positions);
  }

  MatrixView<T> keys, values;                                // [length, head_dim]
  MatrixView<T> turned_keys, turned_values, dkeys, dvalues;  // [head_dim, length]
  MatrixView<T> weights, dweights;                           // [kTileQueries, length]
};

template <class T>
CausalAttention<T>::CausalAttention(const ModelSpec& spec, int64_t sequence_length,
                                    ThreadPool& pool)
    : spec_(spec), length_(sequence_length), pool_(pool) {}

template <class T>
template <class Body>
void CausalAttention<T>::ForItems(int64_t tokens, const Body& body) {
  DEEPTHIN_CHECK(tokens % length_ == 0);
  const auto items = [&](int64_t begin, int64_t end) {
    const Scratch scratch(spec_, length_);
    for (int64_t i = begin; i < end; ++i) {
      body(scratch, i / spec_.n_kv_heads * length_, i % spec_.n_kv_heads);
    }
  };
  pool_.ForRanges(tokens / length_ * spec_.n_kv_heads, 1, std::cref(items));
}

template <class T>
void CausalAttention<T>::Forward(MatrixView<const T> qkv, MatrixView<T> out, MatrixView<T> log_sums,
                                 const AttentionTileCall<T>& on_tile) {
  const TrainingKernels<T>& kernels = ActiveTrainingKernels<T>();
  const int64_t hd = spec_.head_dim;
  const int64_t group = spec_.n_heads / spec_.n_kv_heads;
  const T scale = 1 / std::sqrt(static_cast<T>(hd));
  const auto attend = [&](const Scratch& s, int64_t first, int64_t kv_head) {
    const MatrixView<const T> rows = qkv.Rows(first, first + length_);
    CopyTransposed<T>(Head(rows, QueryDim(spec_), kv_head, hd), s.turned_keys);
    CopyRows<T>(Head(rows, QueryDim(spec_) + KvDim(spec_), kv_head, hd), s.values);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      for (int64_t t = 0; t < length_; t += kTileQueries) {
        const int64_t end = std::min(t + kTileQueries, length_);
        const MatrixView<T> weights = s.weights.Rows(0, end - t).Columns(0, end);
        kernels.Multiply(AsItLies(Head(rows, 0, head, hd).Rows(t, end)),
                         AsConstView(s.turned_keys.Columns(0, end)), {}, weights);
        for (int64_t i = 0; i < weights.rows; ++i) {
          log_sums.Row(first + t + i)[head] =
              kernels.SoftmaxRow(weights.Row(i), t + i + 1, end, scale);
        }
        if (on_tile) {
          on_tile({.head = head, .first_row = first + t, .weights = AsConstView(weights)});
        }
        kernels.Multiply(AsItLies(AsConstView(weights)), AsConstView(s.values.Rows(0, end)), {},
                         Head(out, 0, head, hd).Rows(first + t, first + end));
      }
    }
  };
  ForItems(qkv.rows, attend);
}

// With P the weights, S the scaled scores, O the output: dS = P (dP - rowsum(dO O)); dV = P^T dO;
// dP = dO V^T; dQ = dS K; dK = dS^T Q (Dao, arXiv 2307.08691, section 2.2), dS times the scale.
// dK and dV are summed up transposed: positions fill vectors, whatever head_dim is.
template <class T>
void CausalAttention<T>::Backward(MatrixView<const T> qkv, MatrixView<const T> out,
                                  MatrixView<const T> log_sums, MatrixView<const T> dout,
                                  MatrixView<T> dqkv) {
  const TrainingKernels<T>& kernels = ActiveTrainingKernels<T>();
  const int64_t hd = spec_.head_dim;
  const int64_t group = spec_.n_heads / spec_.n_kv_heads;
  const int64_t key_begin = QueryDim(spec_);
  const int64_t value_begin = key_begin + KvDim(spec_);
  const T scale = 1 / std::sqrt(static_cast<T>(hd));
  const auto attend = [&](const Scratch& s, int64_t first, int64_t kv_head) {
    const MatrixView<const T> rows = qkv.Rows(first, first + length_);
    const MatrixView<T> drows = dqkv.Rows(first, first + length_);
    CopyRows<T>(Head(rows, key_begin, kv_head, hd), s.keys);
    CopyTransposed<T>(Head(rows, key_begin, kv_head, hd), s.turned_keys);
    CopyTransposed<T>(Head(rows, value_begin, kv_head, hd), s.turned_values);
    ClearRows(s.dkeys);
    ClearRows(s.dvalues);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      for (int64_t t = 0; t < length_; t += kTileQueries) {
        const int64_t end = std::min(t + kTileQueries, length_);
        const MatrixView<const T> queries = Head(rows, 0, head, hd).Rows(t, end);
        const MatrixView<const T> o = Head(out, 0, head, hd).Rows(first + t, first + end);
        const MatrixView<const T> d_o = Head(dout, 0, head, hd).Rows(first + t, first + end);
        const MatrixView<T> p = s.weights.Rows(0, end - t).Columns(0, end);
        const MatrixView<T> ds = s.dweights.Rows(0, end - t).Columns(0, end);
        kernels.Multiply(AsItLies(queries), AsConstView(s.turned_keys.Columns(0, end)), {}, p);
        kernels.Multiply(AsItLies(d_o), AsConstView(s.turned_values.Columns(0, end)), {}, ds);
        for (int64_t i = 0; i < p.rows; ++i) {
          kernels.ScoreGradientRow(p.Row(i), ds.Row(i), t + i + 1, end, scale,
                                   log_sums.Row(first + t + i)[head],
                                   Dot(o.Row(i), d_o.Row(i), hd));
        }
        const MatrixView<T> dkeys = s.dkeys.Columns(0, end);
        const MatrixView<T> dvalues = s.dvalues.Columns(0, end);
        kernels.Multiply(Transposed(d_o), AsConstView(p), AsConstView(dvalues), dvalues);
        kernels.Multiply(Transposed(queries), AsConstView(ds), AsConstView(dkeys), dkeys);
        kernels.Multiply(AsItLies(AsConstView(ds)), AsConstView(s.keys.Rows(0, end)), {},
                         Head(drows, 0, head, hd).Rows(t, end));
      }
    }
    CopyTransposed<T>(AsConstView(s.dkeys), Head(drows, key_begin, kv_head, hd));
    CopyTransposed<T>(AsConstView(s.dvalues), Head(drows, value_begin, kv_head, hd));
  };
  ForItems(qkv.rows, attend);
}

template class CausalAttention<float>;
template class CausalAttention<double>;

}  // namespace deepthin::runtime

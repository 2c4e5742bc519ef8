#include "runtime/trainer/causal_attention.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "runtime/kernels/thread_scratch.h"
#include "runtime/trainer/tensor.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Query positions of a tile. Up to so many positions behind each query are computed for nothing.
// Even.
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

// As the left operand of a product, in `room` where the precision rounds operands.
template <class T>
LeftOperand<T> Left(const ProductKernels<T>& kernels, MatrixView<const T> m, MatrixView<T> room) {
  if (kernels.RoundRows == nullptr) return {m.data, m.stride, 1};
  kernels.RoundRows(m, room.data);
  return {room.data, kernels.Depth(m.cols), 1};
}

// As the right operand. Rows are padded.
template <class T>
MatrixView<const T> Right(const ProductKernels<T>& kernels, MatrixView<const T> m,
                          MatrixView<T> room) {
  if (kernels.PairRows == nullptr) return m;
  const MatrixView<T> paired = {room.data, kernels.Depth(m.rows), m.cols, room.stride};
  kernels.PairRows(m, paired);
  return AsConstView(paired);
}

// Its transpose as the left operand.
template <class T>
LeftOperand<T> LeftTransposed(const ProductKernels<T>& kernels, MatrixView<const T> m,
                              MatrixView<T> room) {
  const MatrixView<const T> lying = Right(kernels, m, room);
  return {lying.data, 1, lying.stride};
}

// The same as Right for what several products read: always in `room`.
template <class T>
MatrixView<const T> KeptRight(const ProductKernels<T>& kernels, MatrixView<const T> m,
                              MatrixView<T> room) {
  if (kernels.PairRows != nullptr) return Right(kernels, m, room);
  CopyRows(m, room);
  return AsConstView(room);
}

// The transpose as the right operand, in panels.
template <class T>
void PackTransposed(const ProductKernels<T>& kernels, MatrixView<const T> m, T* panels) {
  const int64_t size = kernels.Depth(m.cols) * kPanelColumns;
  for (int64_t r = 0; r < m.rows; r += kPanelColumns, panels += size) {
    kernels.PackRows(m.Rows(r, std::min(r + kPanelColumns, m.rows)), panels);
  }
}

// out = left x the first columns of what was packed.
template <class T>
void MultiplyByPanels(const ProductKernels<T>& kernels, const LeftOperand<T>& left, const T* panels,
                      int64_t depth, MatrixView<T> out) {
  for (int64_t j = 0; j < out.cols; j += kPanelColumns, panels += depth * kPanelColumns) {
    kernels.Multiply(left, Dense(panels, depth, kPanelColumns), {},
                     out.Columns(j, std::min(j + kPanelColumns, out.cols)));
  }
}

// As chains of additions that do not wait for each other.
template <class T>
T Dot(const T* a, const T* b, int64_t n) {
  constexpr int64_t kChains = 8;
  T sums[kChains] = {};
  const int64_t whole = n - n % kChains;
  for (int64_t i = 0; i < whole; i += kChains) {
    for (int64_t j = 0; j < kChains; ++j) sums[j] += a[i + j] * b[i + j];
  }
  T total = 0;
  for (int64_t i = whole; i < n; ++i) total += a[i] * b[i];
  for (const T sum : sums) total += sum;
  return total;
}

}  // namespace

// Rows are padded, so that products may read them by whole vectors.
template <class T>
struct CausalAttention<T>::Scratch {
  Scratch(const ModelSpec& spec, int64_t length, const ProductKernels<T>& kernels) {
    // Rows at a power of two of bytes would share a few lines of the caches.
    const int64_t positions = Padded(length) + kPaddedTo;
    const int64_t dims = Padded(spec.head_dim);
    const int64_t panels = (length + kPanelColumns - 1) / kPanelColumns;
    const int64_t panel_rows = panels * kernels.Depth(spec.head_dim);
    const int64_t rounded = std::max(length, spec.head_dim);
    T* next = ThreadScratch<T>(ScratchUse::kAttention,
                               2 * panel_rows * kPanelColumns + (length + kTileQueries) * dims +
                                   2 * spec.head_dim * positions +
                                   kTileQueries * (3 * positions + rounded));
    const auto take = [&next](int64_t rows, int64_t cols, int64_t stride) {
      const MatrixView<T> m = {next, rows, cols, stride};
      next += rows * stride;
      return m;
    };
    for (T** turned : {&turned_keys, &turned_values}) {
      *turned = take(panel_rows, kPanelColumns, kPanelColumns).data;
    }
    upright = take(length, spec.head_dim, dims);
    for (auto* m : {&dkeys, &dvalues}) *m = take(spec.head_dim, length, positions);
    for (auto* m : {&weights, &dweights, &paired}) *m = take(kTileQueries, length, positions);
    paired_heads = take(kTileQueries, spec.head_dim, dims);
    left = take(kTileQueries, rounded, rounded);
  }

  T* turned_keys = nullptr;
  T* turned_values = nullptr;
  MatrixView<T> upright;               // [length, head_dim], keys or values
  MatrixView<T> dkeys, dvalues;        // [head_dim, length]
  MatrixView<T> weights, dweights;     // [kTileQueries, length]
  MatrixView<T> paired, paired_heads;  // room of Right
  MatrixView<T> left;                  // room of Left
};

template <class T>
CausalAttention<T>::CausalAttention(const ModelSpec& spec, int64_t sequence_length,
                                    ThreadPool& pool, ProductPrecision precision)
    : spec_(spec),
      length_(sequence_length),
      pool_(pool),
      products_(ProductKernelsFor<T>(precision)) {}

template <class T>
template <class Body>
void CausalAttention<T>::ForItems(int64_t tokens, const Body& body) {
  DEEPTHIN_CHECK(tokens % length_ == 0);
  const auto items = [&](int64_t begin, int64_t end) {
    const Scratch scratch(spec_, length_, products_);
    for (int64_t i = begin; i < end; ++i) {
      body(scratch, i / spec_.n_kv_heads * length_, i % spec_.n_kv_heads);
    }
  };
  pool_.ForRanges(tokens / length_ * spec_.n_kv_heads, 1, std::cref(items));
}

template <class T>
void CausalAttention<T>::Forward(MatrixView<const T> qkv, MatrixView<T> out, MatrixView<T> log_sums,
                                 const AttentionTileCall<T>& on_tile) {
  const auto softmax_row = ActiveTrainingKernels<T>().SoftmaxRow;
  const int64_t hd = spec_.head_dim;
  const int64_t group = spec_.n_heads / spec_.n_kv_heads;
  const T scale = 1 / std::sqrt(static_cast<T>(hd));
  const auto attend = [&](const Scratch& s, int64_t first, int64_t kv_head) {
    const MatrixView<const T> rows = qkv.Rows(first, first + length_);
    PackTransposed(products_, Head(rows, QueryDim(spec_), kv_head, hd), s.turned_keys);
    const MatrixView<const T> values =
        KeptRight(products_, Head(rows, QueryDim(spec_) + KvDim(spec_), kv_head, hd), s.upright);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      for (int64_t t = 0; t < length_; t += kTileQueries) {
        const int64_t end = std::min(t + kTileQueries, length_);
        const MatrixView<T> weights = s.weights.Rows(0, end - t).Columns(0, end);
        MultiplyByPanels<T>(products_,
                            Left(products_, Head(rows, 0, head, hd).Rows(t, end), s.left),
                            s.turned_keys, products_.Depth(hd), weights);
        for (int64_t i = 0; i < weights.rows; ++i) {
          log_sums.Row(first + t + i)[head] = softmax_row(weights.Row(i), t + i + 1, end, scale);
        }
        if (on_tile) {
          on_tile({.head = head, .first_row = first + t, .weights = AsConstView(weights)});
        }
        products_.Multiply(Left(products_, AsConstView(weights), s.left),
                           values.Rows(0, products_.Depth(end)), {},
                           Head(out, 0, head, hd).Rows(first + t, first + end));
      }
    }
  };
  ForItems(qkv.rows, attend);
}

template <class T>
void CausalAttention<T>::RowSums(MatrixView<const T> out, MatrixView<const T> dout,
                                 MatrixView<T> row_sums) const {
  const int64_t hd = spec_.head_dim;
  for (int64_t t = 0; t < out.rows; ++t) {
    for (int64_t head = 0; head < spec_.n_heads; ++head) {
      row_sums.Row(t)[head] = Dot(out.Row(t) + head * hd, dout.Row(t) + head * hd, hd);
    }
  }
}

// With P the weights, S the scaled scores, O the output: dS = P (dP - rowsum(dO O)); dV = P^T dO;
// dP = dO V^T; dQ = dS K; dK = dS^T Q (Dao, arXiv 2307.08691, section 2.2), dS times the scale.
// dK and dV are summed up transposed: positions fill vectors, whatever head_dim is.
template <class T>
void CausalAttention<T>::Backward(MatrixView<const T> qkv, MatrixView<const T> log_sums,
                                  MatrixView<const T> dout, MatrixView<const T> row_sums,
                                  MatrixView<T> dqkv) {
  const auto score_gradient_row = ActiveTrainingKernels<T>().ScoreGradientRow;
  const int64_t hd = spec_.head_dim;
  const int64_t group = spec_.n_heads / spec_.n_kv_heads;
  const int64_t key_begin = QueryDim(spec_);
  const int64_t value_begin = key_begin + KvDim(spec_);
  const int64_t depth = products_.Depth(hd);
  const T scale = 1 / std::sqrt(static_cast<T>(hd));
  const auto attend = [&](const Scratch& s, int64_t first, int64_t kv_head) {
    const MatrixView<const T> rows = qkv.Rows(first, first + length_);
    const MatrixView<T> drows = dqkv.Rows(first, first + length_);
    PackTransposed(products_, Head(rows, key_begin, kv_head, hd), s.turned_keys);
    PackTransposed(products_, Head(rows, value_begin, kv_head, hd), s.turned_values);
    const MatrixView<const T> keys =
        KeptRight(products_, Head(rows, key_begin, kv_head, hd), s.upright);
    ClearRows(s.dkeys);
    ClearRows(s.dvalues);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      for (int64_t t = 0; t < length_; t += kTileQueries) {
        const int64_t end = std::min(t + kTileQueries, length_);
        const MatrixView<const T> queries = Head(rows, 0, head, hd).Rows(t, end);
        const MatrixView<const T> d_o = Head(dout, 0, head, hd).Rows(first + t, first + end);
        const MatrixView<T> p = s.weights.Rows(0, end - t).Columns(0, end);
        const MatrixView<T> ds = s.dweights.Rows(0, end - t).Columns(0, end);
        MultiplyByPanels<T>(products_, Left(products_, queries, s.left), s.turned_keys, depth, p);
        MultiplyByPanels<T>(products_, Left(products_, d_o, s.left), s.turned_values, depth, ds);
        for (int64_t i = 0; i < p.rows; ++i) {
          const int64_t row = first + t + i;
          score_gradient_row(p.Row(i), ds.Row(i), t + i + 1, end, scale, log_sums.Row(row)[head],
                             row_sums.Row(row)[head]);
        }
        const MatrixView<T> dkeys = s.dkeys.Columns(0, end);
        const MatrixView<T> dvalues = s.dvalues.Columns(0, end);
        products_.Multiply(LeftTransposed(products_, d_o, s.paired_heads),
                           Right(products_, AsConstView(p), s.paired), AsConstView(dvalues),
                           dvalues);
        products_.Multiply(LeftTransposed(products_, queries, s.paired_heads),
                           Right(products_, AsConstView(ds), s.paired), AsConstView(dkeys), dkeys);
        products_.Multiply(Left(products_, AsConstView(ds), s.left),
                           keys.Rows(0, products_.Depth(end)), {},
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

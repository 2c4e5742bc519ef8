#include "runtime/trainer/causal_attention.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "runtime/trainer/products.h"
#include "runtime/trainer/tensor.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Query positions of a tile: enough for a product to pay for turning keys and values around.
constexpr int64_t kTileQueries = 64;

template <class T>
void CopyRows(MatrixView<const T> from, MatrixView<T> to) {
  for (int64_t r = 0; r < from.rows; ++r) std::copy_n(from.Row(r), from.cols, to.Row(r));
}

template <class T>
void ClearRows(MatrixView<T> m) {
  for (int64_t r = 0; r < m.rows; ++r) std::fill_n(m.Row(r), m.cols, T{0});
}

// Columns of head `head` of a matrix of heads side by side, from column `begin` on.
template <class T>
MatrixView<T> Head(MatrixView<T> m, int64_t begin, int64_t head, int64_t head_dim) {
  return m.Columns(begin + head * head_dim, begin + (head + 1) * head_dim);
}

// Rows of products of queries and keys, the first of them at position t, to weights. log_sums: one
// column.
template <class T>
void SoftmaxRows(MatrixView<T> rows, int64_t t, T scale, MatrixView<T> log_sums) {
  for (int64_t i = 0; i < rows.rows; ++i) {
    T* weights = rows.Row(i);
    const int64_t seen = t + i + 1;
    const T greatest = *std::max_element(weights, weights + seen);
    T sum = 0;
    for (int64_t j = 0; j < seen; ++j) sum += std::exp(scale * (weights[j] - greatest));
    const T log_sum = scale * greatest + std::log(sum);
    for (int64_t j = 0; j < seen; ++j) weights[j] = std::exp(scale * weights[j] - log_sum);
    std::fill(weights + seen, weights + rows.cols, T{0});
    *log_sums.Row(i) = log_sum;
  }
}

// p: products of queries and keys, to weights again; ds: dP, to the gradient of those products.
// With P the weights, S the scaled scores, O the output: dS = P (dP - rowsum(dO O)) (Dao, arXiv
// 2307.08691, section 2.2).
template <class T>
void ScoreGradientRows(MatrixView<T> p, MatrixView<T> ds, int64_t t, T scale,
                       MatrixView<const T> log_sums, MatrixView<const T> out,
                       MatrixView<const T> dout) {
  for (int64_t i = 0; i < p.rows; ++i) {
    T row_sum = 0;
    for (int64_t c = 0; c < out.cols; ++c) row_sum += dout.Row(i)[c] * out.Row(i)[c];
    T* weights = p.Row(i);
    T* dscores = ds.Row(i);
    const int64_t seen = t + i + 1;
    for (int64_t j = 0; j < seen; ++j) {
      weights[j] = std::exp(scale * weights[j] - *log_sums.Row(i));
      dscores[j] = scale * weights[j] * (dscores[j] - row_sum);
    }
    std::fill(weights + seen, weights + p.cols, T{0});
    std::fill(dscores + seen, dscores + p.cols, T{0});
  }
}

}  // namespace

template <class T>
struct CausalAttention<T>::Worker {
  Worker(const ModelSpec& spec, int64_t length)
      : keys(static_cast<size_t>(length * spec.head_dim)),
        values(keys.size()),
        weights(static_cast<size_t>(kTileQueries * length)),
        dweights(weights.size()) {}

  SerialProducts<T> products;
  std::vector<T> keys, values;       // [length, head_dim], without gaps
  std::vector<T> weights, dweights;  // [kTileQueries, positions]
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
    Worker worker(spec_, length_);
    for (int64_t i = begin; i < end; ++i) {
      body(worker, i / spec_.n_kv_heads * length_, i % spec_.n_kv_heads);
    }
  };
  pool_.ForRanges(tokens / length_ * spec_.n_kv_heads, 1, std::cref(items));
}

template <class T>
void CausalAttention<T>::Forward(MatrixView<const T> qkv, MatrixView<T> out, MatrixView<T> log_sums,
                                 const AttentionTileCall<T>& on_tile) {
  const int64_t hd = spec_.head_dim;
  const int64_t group = spec_.n_heads / spec_.n_kv_heads;
  const T scale = 1 / std::sqrt(static_cast<T>(hd));
  const auto attend = [&](Worker& w, int64_t first, int64_t kv_head) {
    const MatrixView<const T> rows = qkv.Rows(first, first + length_);
    const MatrixView<T> keys = Dense(w.keys.data(), length_, hd);
    CopyRows<T>(Head(rows, QueryDim(spec_), kv_head, hd), keys);
    const auto values = Head(rows, QueryDim(spec_) + KvDim(spec_), kv_head, hd);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      for (int64_t t = 0; t < length_; t += kTileQueries) {
        const int64_t end = std::min(t + kTileQueries, length_);
        const MatrixView<T> tile = Dense(w.weights.data(), end - t, end);
        w.products.TimesTransposed(Head(rows, 0, head, hd).Rows(t, end),
                                   AsConstView(keys.Rows(0, end)), tile);
        SoftmaxRows(tile, t, scale, log_sums.Rows(first + t, first + end).Columns(head, head + 1));
        if (on_tile) on_tile({.head = head, .first_row = first + t, .weights = AsConstView(tile)});
        w.products.Times(AsConstView(tile), values.Rows(0, end),
                         Head(out, 0, head, hd).Rows(first + t, first + end));
      }
    }
  };
  ForItems(qkv.rows, attend);
}

// dV = P^T dO; dP = dO V^T; dQ = dS K; dK = dS^T Q (Dao, arXiv 2307.08691, section 2.2), dS times
// the scale.
template <class T>
void CausalAttention<T>::Backward(MatrixView<const T> qkv, MatrixView<const T> out,
                                  MatrixView<const T> log_sums, MatrixView<const T> dout,
                                  MatrixView<T> dqkv) {
  const int64_t hd = spec_.head_dim;
  const int64_t group = spec_.n_heads / spec_.n_kv_heads;
  const int64_t key_begin = QueryDim(spec_);
  const int64_t value_begin = key_begin + KvDim(spec_);
  const T scale = 1 / std::sqrt(static_cast<T>(hd));
  const auto attend = [&](Worker& w, int64_t first, int64_t kv_head) {
    const MatrixView<const T> rows = qkv.Rows(first, first + length_);
    const MatrixView<T> drows = dqkv.Rows(first, first + length_);
    const MatrixView<T> keys = Dense(w.keys.data(), length_, hd);
    const MatrixView<T> values = Dense(w.values.data(), length_, hd);
    CopyRows<T>(Head(rows, key_begin, kv_head, hd), keys);
    CopyRows<T>(Head(rows, value_begin, kv_head, hd), values);
    const MatrixView<T> dkeys = Head(drows, key_begin, kv_head, hd);
    const MatrixView<T> dvalues = Head(drows, value_begin, kv_head, hd);
    ClearRows(dkeys);
    ClearRows(dvalues);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      for (int64_t t = 0; t < length_; t += kTileQueries) {
        const int64_t end = std::min(t + kTileQueries, length_);
        const auto queries = Head(rows, 0, head, hd).Rows(t, end);
        const auto o = Head(out, 0, head, hd).Rows(first + t, first + end);
        const auto d_o = Head(dout, 0, head, hd).Rows(first + t, first + end);
        const MatrixView<T> p = Dense(w.weights.data(), end - t, end);
        const MatrixView<T> ds = Dense(w.dweights.data(), end - t, end);
        w.products.TimesTransposed(queries, AsConstView(keys.Rows(0, end)), p);
        w.products.TimesTransposed(d_o, AsConstView(values.Rows(0, end)), ds);
        ScoreGradientRows(p, ds, t, scale,
                          log_sums.Rows(first + t, first + end).Columns(head, head + 1), o, d_o);
        w.products.AddTransposedTimes(AsConstView(p), d_o, dvalues.Rows(0, end));
        w.products.Times(AsConstView(ds), AsConstView(keys.Rows(0, end)),
                         Head(drows, 0, head, hd).Rows(t, end));
        w.products.AddTransposedTimes(AsConstView(ds), queries, dkeys.Rows(0, end));
      }
    }
  };
  ForItems(qkv.rows, attend);
}

template class CausalAttention<float>;
template class CausalAttention<double>;

}  // namespace deepthin::runtime

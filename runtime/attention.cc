#include "runtime/attention.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "runtime/memory.h"

namespace deepthin::runtime {
namespace {

// Positions and query rows for which scores are kept at a time, on the stack: 16 KiB, beside keys
// and values of the same positions in L2.
constexpr int64_t kChunkPositions = 128;
static_assert(kChunkPositions % kKeyBlock == 0);
constexpr int64_t kChunkRows = 32;
// Tokens of an item in prefill: their keys and values are read once for all of them.
constexpr int64_t kItemTokens = 8;
// Positions of an item in decode: two chunks, enough to pay for handing it to a thread.
constexpr int64_t kItemPositions = 256;

// Items are handed out by at least so many multiply-adds, some 2 us, so that they pay for it.
constexpr int64_t kGrainMacs = 1 << 16;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rows of partial results for one key/value head.
int64_t PartialRows(int64_t group, int64_t max_tokens, int64_t max_pass) {
  return group * std::max(max_pass, CeilDiv(max_tokens, kItemPositions));
}

}  // namespace

Attention::Attention(const ModelSpec& spec, const Kernels& kernels, ThreadPool& pool,
                     int64_t max_tokens, int64_t max_pass)
    : group_(spec.n_heads / spec.n_kv_heads),
      n_kv_heads_(spec.n_kv_heads),
      head_dim_(spec.head_dim),
      kernels_(kernels),
      pool_(pool) {
  const int64_t rows = n_kv_heads_ * PartialRows(group_, max_tokens, max_pass);
  queries_ = AllocateFloats(max_pass * QueryDim(spec), "the queries of a pass");
  partial_ = AllocateFloats(rows * head_dim_, "the partial results of attention");
  states_.resize(static_cast<size_t>(rows));
}

MutableMatrix Attention::Queries(int64_t kv_head, int64_t token, int64_t tokens) const {
  return Dense(queries_.get() + (kv_head * tokens + token) * group_ * head_dim_, group_, head_dim_);
}

void Attention::CutIntoItems(int64_t position, int64_t tokens) {
  items_.clear();
  int64_t rows = 0;
  const int64_t item_positions = tokens == 1 ? kItemPositions : position + tokens;
  for (int64_t kv_head = 0; kv_head < n_kv_heads_; ++kv_head) {
    for (int64_t token = 0; token < tokens; token += kItemTokens) {
      const int64_t end_token = std::min(token + kItemTokens, tokens);
      const int64_t visible = position + end_token;  // to its last token
      for (int64_t first = 0; first < visible; first += item_positions) {
        items_.push_back({.kv_head = kv_head,
                          .first_token = token,
                          .end_token = end_token,
                          .first_position = first,
                          .end_position = std::min(first + item_positions, visible),
                          .first_row = rows});
        rows += (end_token - token) * group_;
      }
    }
  }
}

Bytes Attention::Run(const KvCache& cache, int64_t entry, int64_t position, int64_t tokens,
                     MutableMatrix out) {
  CutIntoItems(position, tokens);
  int64_t positions_read = 0;  // of each key/value head
  for (const Item& item : items_) {
    if (item.kv_head == 0) positions_read += item.end_position - item.first_position;
  }

  const auto run_items = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      RunItem(items_[static_cast<size_t>(i)], cache, entry, position, tokens);
    }
  };
  const Item& first = items_.front();
  const int64_t item_macs = 2 * head_dim_ * group_ * (first.end_token - first.first_token) *
                            (first.end_position - first.first_position);
  pool_.ForRanges(static_cast<int64_t>(items_.size()), CeilDiv(kGrainMacs, item_macs),
                  std::cref(run_items));
  const auto join = [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) Join(token, out);
  };
  pool_.ForRanges(tokens, kItemTokens, std::cref(join));
  return positions_read * StorageBytes(cache.dtype(), 2, n_kv_heads_ * head_dim_);
}

void Attention::RunItem(const Item& item, const KvCache& cache, int64_t entry, int64_t position,
                        int64_t tokens) {
  const int64_t rows = (item.end_token - item.first_token) * group_;
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim_));
  const ConstMatrix queries =
      Dense<const float>(Queries(item.kv_head, item.first_token, tokens).data, rows, head_dim_);
  const MutableMatrix partial = Dense(partial_.get() + item.first_row * head_dim_, rows, head_dim_);
  SoftmaxState* states = &states_[static_cast<size_t>(item.first_row)];
  std::fill_n(partial.data, rows * head_dim_, 0.0F);
  std::fill_n(states, rows, SoftmaxState{});

  const KvView all_keys = cache.Keys(entry, item.kv_head);
  const KvView all_values = cache.Values(entry, item.kv_head);
  alignas(64) float score_buffer[kChunkRows * kChunkPositions];
  float rescales[kChunkRows];
  for (int64_t p = item.first_position; p < item.end_position; p += kChunkPositions) {
    const int64_t end = std::min(p + kChunkPositions, item.end_position);
    for (int64_t r = 0; r < rows; r += kChunkRows) {
      const int64_t end_row = std::min(r + kChunkRows, rows);
      const MutableMatrix scores{score_buffer, end_row - r, end - p, kChunkPositions};
      kernels_.AttentionScores(scale, queries.Rows(r, end_row), all_keys.From(p), end - p, scores);
      for (int64_t i = r; i < end_row; ++i) {
        const int64_t last_seen = position + item.first_token + i / group_;
        const int64_t seen = std::clamp<int64_t>(last_seen + 1 - p, 0, end - p);
        float* row = scores.Row(i - r);
        rescales[i - r] = seen > 0 ? kernels_.SoftmaxStep(row, seen, &states[i]) : 1.0F;
        std::fill(row + seen, row + (end - p), 0.0F);
      }
      kernels_.AttentionValues(AsConst(scores), all_values.From(p), rescales,
                               partial.Rows(r, end_row));
    }
  }
}

// softmax over all items of a row: each item's weights are relative to its own largest score.
void Attention::Join(int64_t token, MutableMatrix out) {
  for (int64_t head = 0; head < n_kv_heads_ * group_; ++head) {
    const int64_t kv_head = head / group_;
    float* result = out.Row(token) + head * head_dim_;
    std::fill_n(result, head_dim_, 0.0F);
    const auto holds = [&](const Item& item) {
      return item.kv_head == kv_head && item.first_token <= token && token < item.end_token;
    };
    const auto begin = std::find_if(items_.begin(), items_.end(), holds);
    const auto end = std::find_if_not(begin, items_.end(), holds);
    const auto row_of = [&](const Item& item) {
      return item.first_row + (token - item.first_token) * group_ + head % group_;
    };
    SoftmaxState all;
    for (auto item = begin; item != end; ++item) {
      all.max = std::max(all.max, states_[static_cast<size_t>(row_of(*item))].max);
    }
    for (auto item = begin; item != end; ++item) {
      const SoftmaxState& state = states_[static_cast<size_t>(row_of(*item))];
      all.sum += state.sum * std::exp(state.max - all.max);
    }
    for (auto item = begin; item != end; ++item) {
      const int64_t row = row_of(*item);
      const float weight = std::exp(states_[static_cast<size_t>(row)].max - all.max) / all.sum;
      kernels_.Axpy(weight, partial_.get() + row * head_dim_, head_dim_, result);
    }
  }
}

}  // namespace deepthin::runtime

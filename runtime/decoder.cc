// How a pass is executed.
//
// Prompts are cut into tiles of kTileTokens, which bounds the buffers. A tile goes through the
// executed blocks one after the other, all its tokens at once: each weight is streamed once per
// tile. Each block is five parallel loops: QKV; attention; its output and the residual; gate, up
// and the activation; down and the residual.
//
// A KV cache entry that several executed blocks share (KvPolicy::kShared with repeats) says more:
// at its own position a token sees the row of the occurrence that is running, and at earlier
// positions the rows as the *last* occurrence left them. An earlier token must therefore have gone
// through the last occurrence before a later token enters the first. So the executed blocks are cut
// into the shortest stages that contain all occurrences of the entries they use; within a stage of
// several blocks the tokens go one by one. Stages share no entry, so that going stage by stage over
// a tile gives what going token by token over all blocks gives.
#include "runtime/decoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "runtime/activation_buffer.h"
#include "runtime/attention.h"
#include "runtime/executed_blocks.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kv_cache.h"
#include "runtime/memory.h"
#include "runtime/profile.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Each weight is read, and made ready for its product, once for so many tokens.
constexpr int64_t kTileTokens = 256;
// Rows of weights are handed out by at least so many bytes, so that a range pays for its dispatch
// (16 KiB take about 1 us); tokens and, to a single token, rows by at least so many.
constexpr int64_t kGrainBytes = 16384;
constexpr int64_t kGrainRows = 8;

// Executed blocks [begin, end) that no other executed block shares a KV cache entry with.
struct Stage {
  int64_t begin;
  int64_t end;
};

std::vector<Stage> CutIntoStages(const std::vector<int64_t>& entries) {
  std::vector<Stage> stages;
  const auto count = static_cast<int64_t>(entries.size());
  int64_t begin = 0;
  int64_t last_use = 0;  // of any entry used since begin
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = count - 1; j > last_use; --j) {
      if (entries[static_cast<size_t>(j)] == entries[static_cast<size_t>(i)]) last_use = j;
    }
    last_use = std::max(last_use, i);
    if (last_use == i) {
      stages.push_back({begin, i + 1});
      begin = i + 1;
    }
  }
  return stages;
}

Bytes BytesOf(std::span<const float> floats) {
  return Bytes(static_cast<int64_t>(floats.size_bytes()));
}

// out = x times the transpose of w, a part of the columns of some parallel loop.
struct Product {
  WeightMatrix w;
  MutableMatrix out;
};

}  // namespace

struct Decoder::State {
  State(const Weights& weights_to_run, ThreadPool& pool_to_use, int64_t token_capacity, Dtype kv);

  std::span<const float> Forward(std::span<const int32_t> tokens, Logits which);
  void RunTile(std::span<const int32_t> tokens);
  void RunBlock(int64_t executed, int64_t first, int64_t count);
  void ProjectAndStore(const BlockWeights& w, int64_t entry, int64_t first, int64_t count);
  void RunFfn(const BlockWeights& w, int64_t first, int64_t count);
  void ComputeLogits(int64_t first, int64_t count, float* out);

  void ComputeRopeAngles(int64_t tokens);
  void RotateAndStore(int64_t token, int64_t entry, int64_t first, int64_t count);
  void Normalise(std::span<const float> norm, Dtype multiplied_with, int64_t first, int64_t count);
  void Multiply(const WeightMatrix& w, const ActivationView& in, MutableMatrix out) const;
  void MultiplyAll(const ActivationView& in, std::span<const Product> products);
  void AddProduct(const WeightMatrix& w, const ActivationBuffer& in, int64_t first, int64_t count);
  void End(Operator op, Bytes touched);
  template <class Body>
  void ForWeightRows(int64_t tokens, int64_t rows, int64_t row_bytes, const Body& body);

  Weights weights;
  const ModelSpec& spec;
  ThreadPool& pool;
  const Kernels& kernels;
  int64_t max_tokens;
  int64_t tile_tokens;
  float norm_eps;
  std::vector<BlockWeights> executed_blocks;
  std::vector<int64_t> entries;
  std::vector<Stage> stages;
  std::vector<double> frequencies;  // [head_dim / 2]

  KvCache cache;
  Attention attention;
  ActivationBuffer x;         // the residual stream
  ActivationBuffer normed;    // what matrices are multiplied with
  ActivationBuffer qkv;       // queries, keys, values of a token side by side
  ActivationBuffer attended;  // [n_heads x head_dim]
  ActivationBuffer gate;      // the hidden layer of the FFN, after the activation
  ActivationBuffer up;        // SwiGLU only
  ActivationBuffer product;   // of an output matrix, before it is added to x
  ActivationBuffer cos, sin;  // [head_dim], as Kernels::Rope takes them
  std::shared_ptr<float> logits;
  int64_t logits_floats = 0;

  int64_t position = 0;
  int64_t furthest = 0;  // that Seek() has left since Reset()
  Bytes bytes_touched;
  Profile* profile = nullptr;
};

Decoder::State::State(const Weights& weights_to_run, ThreadPool& pool_to_use,
                      int64_t token_capacity, Dtype kv)
    : weights(weights_to_run),
      spec(weights.spec),
      pool(pool_to_use),
      kernels(ActiveKernels()),
      max_tokens(token_capacity),
      tile_tokens(std::min(kTileTokens, token_capacity)),
      norm_eps(static_cast<float>(spec.norm_eps)),
      executed_blocks(ExecutedBlocks(weights, LastLevelCache())),
      entries(KvEntries(spec)),
      stages(CutIntoStages(entries)),
      cache(spec, kv, max_tokens),
      attention(spec, kernels, pool, max_tokens, tile_tokens),
      x(tile_tokens, spec.d_model),
      normed(tile_tokens, spec.d_model),
      qkv(tile_tokens, QueryDim(spec) + 2 * KvDim(spec)),
      attended(tile_tokens, QueryDim(spec)),
      gate(tile_tokens, spec.d_ff),
      up(tile_tokens, spec.ffn == Ffn::kSwiglu ? spec.d_ff : 0),
      product(tile_tokens, spec.d_model),
      cos(tile_tokens, spec.head_dim),
      sin(tile_tokens, spec.head_dim) {
  for (int64_t i = 0; i < spec.head_dim; i += 2) {
    frequencies.push_back(
        std::pow(spec.rope_theta, -static_cast<double>(i) / static_cast<double>(spec.head_dim)));
  }
  weights.head.is_cached = WeightBytesOf(weights) <= LastLevelCache();
}

std::span<const float> Decoder::State::Forward(std::span<const int32_t> tokens, Logits which) {
  const auto count = static_cast<int64_t>(tokens.size());
  DEEPTHIN_CHECK(count >= 1 && count <= max_tokens - position);
  for (const int32_t token : tokens) DEEPTHIN_CHECK(token >= 0 && token < spec.vocab_size);

  const WorkRecording recording(pool, profile);
  if (profile != nullptr) profile->BeginPass(position, count);

  const int64_t rows = which == Logits::kAll ? count : 1;
  if (logits_floats < rows * spec.vocab_size) {
    logits.reset();
    logits = AllocateFloats(rows * spec.vocab_size, "the logits");
    logits_floats = rows * spec.vocab_size;
  }
  for (int64_t first = 0; first < count; first += tile_tokens) {
    const int64_t n = std::min(tile_tokens, count - first);
    RunTile(tokens.subspan(static_cast<size_t>(first), static_cast<size_t>(n)));
    if (which == Logits::kAll) {
      ComputeLogits(0, n, logits.get() + first * spec.vocab_size);
    } else if (first + n == count) {
      ComputeLogits(n - 1, 1, logits.get());
    }
  }
  return {logits.get(), static_cast<size_t>(rows * spec.vocab_size)};
}

void Decoder::State::RunTile(std::span<const int32_t> tokens) {
  const auto n = static_cast<int64_t>(tokens.size());
  for (int64_t t = 0; t < n; ++t) {
    const int64_t token = tokens[static_cast<size_t>(t)];
    Dequantize(weights.embedding, token, token + 1, x.Tokens(t, 1).data);
  }
  ComputeRopeAngles(n);
  End(Operator::kEmbedding, StorageBytes(weights.embedding.dtype, n, spec.d_model));
  for (const Stage& stage : stages) {
    const int64_t pass = stage.end - stage.begin == 1 ? n : 1;  // see the head of this file
    for (int64_t first = 0; first < n; first += pass) {
      for (int64_t i = stage.begin; i < stage.end; ++i) RunBlock(i, first, pass);
    }
  }
  position += n;
}

// The angle of pair i at position p is p theta^(-2i / head_dim) (Su et al., arXiv 2104.09864,
// equation 15).
void Decoder::State::ComputeRopeAngles(int64_t tokens) {
  for (int64_t t = 0; t < tokens; ++t) {
    float* cosines = cos.Tokens(t, 1).data;
    float* sines = sin.Tokens(t, 1).data;
    for (size_t i = 0; i < frequencies.size(); ++i) {
      const double angle = static_cast<double>(position + t) * frequencies[i];
      cosines[2 * i] = cosines[2 * i + 1] = static_cast<float>(std::cos(angle));
      sines[2 * i + 1] = static_cast<float>(std::sin(angle));
      sines[2 * i] = -sines[2 * i + 1];
    }
  }
}

// Tokens [first, first + count) of the tile through one executed block.
void Decoder::State::RunBlock(int64_t executed, int64_t first, int64_t count) {
  const BlockWeights& w = executed_blocks[static_cast<size_t>(executed)];
  const int64_t entry = entries[static_cast<size_t>(executed)];
  if (profile != nullptr) profile->EnterBlock(executed);
  ProjectAndStore(w, entry, first, count);
  const Bytes kv_read =
      attention.Run(cache, entry, position + first, count, attended.Tokens(first, count));
  End(Operator::kAttention, kv_read);
  AddProduct(w.wo, attended, first, count);
  End(Operator::kOutput, w.wo.bytes());
  RunFfn(w, first, count);
}

// Queries to attention, keys and values to the cache.
void Decoder::State::ProjectAndStore(const BlockWeights& w, int64_t entry, int64_t first,
                                     int64_t count) {
  const int64_t q = QueryDim(spec);
  const int64_t kv = KvDim(spec);
  Normalise(w.attn_norm, w.wq.dtype, first, count);
  End(Operator::kAttentionNorm, BytesOf(w.attn_norm));
  const MutableMatrix out = qkv.Tokens(first, count);
  const std::array<Product, 3> products = {Product{w.wq, out.Columns(0, q)},
                                           Product{w.wk, out.Columns(q, q + kv)},
                                           Product{w.wv, out.Columns(q + kv, q + 2 * kv)}};
  MultiplyAll(normed.View(first, count), products);
  End(Operator::kQkv, w.wq.bytes() + w.wk.bytes() + w.wv.bytes());
  const auto rotate_and_store = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) RotateAndStore(t, entry, first, count);
  };
  pool.ForRanges(count, kGrainRows, std::cref(rotate_and_store));
  End(Operator::kRopeStore, count * StorageBytes(cache.dtype(), 2, kv));
}

void Decoder::State::RotateAndStore(int64_t token, int64_t entry, int64_t first, int64_t count) {
  const int64_t head_dim = spec.head_dim;
  const int64_t group_floats = QueryDim(spec) / spec.n_kv_heads;
  float* queries = qkv.Tokens(first + token, 1).data;
  const float* keys = queries + QueryDim(spec);
  const float* values = keys + KvDim(spec);
  kernels.Rope(Dense(queries, spec.n_heads + spec.n_kv_heads, head_dim),  // keys lie behind them
               cos.Tokens(first + token, 1).data, sin.Tokens(first + token, 1).data);
  for (int64_t h = 0; h < spec.n_kv_heads; ++h) {
    std::copy_n(queries + h * group_floats, group_floats, attention.Queries(h, token, count).data);
  }
  cache.Store(kernels, entry, position + first + token, keys, values);
}

void Decoder::State::RunFfn(const BlockWeights& w, int64_t first, int64_t count) {
  Normalise(w.ffn_norm, w.w_up.dtype, first, count);
  End(Operator::kFfnNorm, BytesOf(w.ffn_norm));
  const ActivationView in = normed.View(first, count);
  const MutableMatrix hidden = gate.Tokens(first, count);
  if (spec.ffn == Ffn::kSwiglu) {
    const MutableMatrix factor = up.Tokens(first, count);
    ForWeightRows(count, spec.d_ff, w.w_gate.row_bytes() + w.w_up.row_bytes(),
                  [&](int64_t begin, int64_t end) {
                    Multiply(w.w_gate.Rows(begin, end), in, hidden.Columns(begin, end));
                    Multiply(w.w_up.Rows(begin, end), in, factor.Columns(begin, end));
                    for (int64_t t = 0; t < count; ++t) {
                      kernels.SwiGlu(hidden.Row(t) + begin, factor.Row(t) + begin, end - begin);
                    }
                  });
  } else {
    const auto activation = spec.ffn == Ffn::kGelu ? kernels.Gelu : kernels.Relu;
    ForWeightRows(count, spec.d_ff, w.w_up.row_bytes(), [&](int64_t begin, int64_t end) {
      Multiply(w.w_up.Rows(begin, end), in, hidden.Columns(begin, end));
      for (int64_t t = 0; t < count; ++t) activation(hidden.Row(t) + begin, end - begin);
    });
  }
  End(Operator::kGateUp, w.w_gate.bytes() + w.w_up.bytes());
  AddProduct(w.w_down, gate, first, count);
  End(Operator::kDown, w.w_down.bytes());
}

// out: [count, vocab_size]
void Decoder::State::ComputeLogits(int64_t first, int64_t count, float* out) {
  Normalise(weights.final_norm, weights.head.dtype, first, count);
  End(Operator::kFinalNorm, BytesOf(weights.final_norm));
  const Product head = {weights.head, Dense(out, count, spec.vocab_size)};
  MultiplyAll(normed.View(first, count), {&head, 1});
  End(Operator::kHead, weights.head.bytes());
}

// An operator's loops are over, and what they touched of weights and KV cache.
void Decoder::State::End(Operator op, Bytes touched) {
  bytes_touched += touched;
  if (profile != nullptr) profile->End(op, touched);
}

// x normalised, in the form that products with `multiplied_with` take.
void Decoder::State::Normalise(std::span<const float> norm, Dtype multiplied_with, int64_t first,
                               int64_t count) {
  const auto normalise = [&](int64_t begin, int64_t end) {
    for (int64_t t = first + begin; t < first + end; ++t) {
      kernels.RmsNorm(x.Tokens(t, 1).data, norm.data(), spec.d_model, norm_eps,
                      normed.Tokens(t, 1).data);
    }
    normed.Quantize(kernels, FormFor(multiplied_with), first + begin, end - begin);
  };
  pool.ForRanges(count, kGrainRows, std::cref(normalise));
}

void Decoder::State::Multiply(const WeightMatrix& w, const ActivationView& in,
                              MutableMatrix out) const {
  kernels.MatMul(w.dtype)(w, in, out);
}

// body(begin, end) for ranges of the rows of a weight matrix that is multiplied with `tokens`.
template <class Body>
void Decoder::State::ForWeightRows(int64_t tokens, int64_t rows, int64_t row_bytes,
                                   const Body& body) {
  const int64_t unit = tokens == 1 ? kGrainRows : kRowsPerPanel;
  const int64_t units = std::max<int64_t>(1, kGrainBytes / (row_bytes * unit));
  pool.ForRanges(rows, units * unit, std::cref(body));
}

// All products as one parallel loop over the rows of their weights.
void Decoder::State::MultiplyAll(const ActivationView& in, std::span<const Product> products) {
  int64_t all_rows = 0;
  for (const Product& p : products) all_rows += p.w.rows;
  ForWeightRows(in.rows, all_rows, products.front().w.row_bytes(), [&](int64_t begin, int64_t end) {
    int64_t offset = 0;  // of the product's first row among all rows
    for (const Product& p : products) {
      const int64_t from = std::max(begin - offset, int64_t{0});
      const int64_t to = std::min(end - offset, p.w.rows);
      if (from < to) Multiply(p.w.Rows(from, to), in, p.out.Columns(from, to));
      offset += p.w.rows;
    }
  });
}

// x += in times the transpose of w.
void Decoder::State::AddProduct(const WeightMatrix& w, const ActivationBuffer& in, int64_t first,
                                int64_t count) {
  const ActivationForm form = FormFor(w.dtype);
  if (form != ActivationForm::kFloats) {
    const auto quantize = [&](int64_t begin, int64_t end) {
      in.Quantize(kernels, form, first + begin, end - begin);
    };
    pool.ForRanges(count, kGrainRows, std::cref(quantize));
  }
  const ActivationView view = in.View(first, count);
  const MutableMatrix residual = x.Tokens(first, count);
  const MutableMatrix out = product.Tokens(first, count);
  ForWeightRows(count, w.rows, w.row_bytes(), [&](int64_t begin, int64_t end) {
    Multiply(w.Rows(begin, end), view, out.Columns(begin, end));
    for (int64_t t = 0; t < count; ++t) {
      kernels.Axpy(1.0F, out.Row(t) + begin, end - begin, residual.Row(t) + begin);
    }
  });
}

Decoder::Decoder(const Weights& weights, ThreadPool& pool, int64_t max_tokens, Dtype kv) {
  DEEPTHIN_CHECK(max_tokens >= 1 && max_tokens <= weights.spec.max_seq_len);
  state_ = std::make_unique<State>(weights, pool, max_tokens, kv);
}
Decoder::~Decoder() = default;

std::span<const float> Decoder::Forward(std::span<const int32_t> tokens, Logits which) {
  return state_->Forward(tokens, which);
}
int64_t Decoder::position() const { return state_->position; }
void Decoder::Reset() { state_->position = state_->furthest = 0; }
void Decoder::Seek(int64_t position) {
  state_->furthest = std::max(state_->furthest, state_->position);
  DEEPTHIN_CHECK(position >= 0 && position <= state_->furthest);
  state_->position = position;
}
Bytes Decoder::bytes_touched() const { return state_->bytes_touched; }
void Decoder::set_profile(Profile* profile) { state_->profile = profile; }

}  // namespace deepthin::runtime

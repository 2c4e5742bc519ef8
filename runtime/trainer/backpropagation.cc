#include "runtime/trainer/backpropagation.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "runtime/trainer/causal_attention.h"
#include "runtime/trainer/layers.h"
#include "runtime/trainer/products.h"
#include "runtime/trainer/tensor.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Tokens whose logits are there at a time.
constexpr int64_t kHeadTokens = 512;
constexpr int64_t kGrainColumns = 16;
constexpr int64_t kGrainElements = 1 << 14;

// What the backward pass needs of one executed block. A row is a token.
template <class T>
struct BlockTape {
  BlockTape(const ModelSpec& spec, const BlockPlaces& places, int64_t tokens)
      : qkv(tokens, places.qkv.rows, kWhat),
        attended(tokens, QueryDim(spec), kWhat),
        log_sums(tokens, spec.n_heads, kWhat),
        middle(tokens, spec.d_model, kWhat),
        gate_up(tokens, places.gate_up.rows, kWhat),
        out(tokens, spec.d_model, kWhat) {}

  static constexpr const char* kWhat = "the activations of a training step";
  Tensor<T> qkv;       // queries and keys rotated
  Tensor<T> attended;  // [tokens, n_heads head_dim]
  Tensor<T> log_sums;  // [tokens, n_heads]
  Tensor<T> middle;    // the residual stream behind attention
  Tensor<T> gate_up;   // before the activation
  Tensor<T> out;       // the residual stream behind the block
};

}  // namespace

template <class T>
struct Backpropagation<T>::State {
  State(const ModelSpec& model, const BatchShape& batch_shape, ThreadPool& threads,
        ProductPrecision precision);

  double Run(std::span<const T> p, BatchView batch, std::span<T> gradient);
  void Clear(std::span<T> gradient) const;
  void RunBlocks(std::span<const T> p, BatchView batch, const ForwardObserver<T>& observer);
  void Split(BatchView batch);
  void Embed(std::span<const T> p);
  void ForwardBlock(std::span<const T> p, size_t executed, const ForwardObserver<T>& observer);
  double Head(std::span<const T> p, std::span<T> gradient);
  void BackwardFfn(std::span<const T> p, const BlockPlaces& places, BlockTape<T>& tape,
                   std::span<T> gradient);
  void BackwardAttention(std::span<const T> p, const BlockPlaces& places, MatrixView<const T> in,
                         BlockTape<T>& tape, std::span<T> gradient);
  void AddEmbeddingGradient(std::span<T> gradient);

  [[nodiscard]] const BlockPlaces& PlacesOf(size_t executed) const {
    return layout.blocks[static_cast<size_t>(order[executed])];
  }
  [[nodiscard]] MatrixView<const T> InputOf(size_t executed) const {
    return executed == 0 ? embedded.view() : tapes[executed - 1].out.view();
  }

  ModelSpec spec;
  BatchShape shape;
  ThreadPool& pool;
  ParameterLayout layout;
  std::vector<int64_t> order;
  Products<T> products;
  CausalAttention<T> attention;
  Rope<T> rope;
  RmsNorm<T> norm;
  Activation<T> activation;

  std::vector<int32_t> inputs, targets;  // [tokens]
  std::vector<T> losses;                 // [tokens]
  Tensor<T> embedded;                    // [tokens, d_model]
  std::vector<BlockTape<T>> tapes;
  Tensor<T> normed, dnormed;  // [tokens, d_model]
  Tensor<T> dx;               // of the residual stream
  Tensor<T> hidden, dhidden;  // [tokens, d_ff]
  Tensor<T> dgate_up, dqkv, dattended;
  Tensor<T> logits;  // [up to kHeadTokens, vocab_size]
  PackedMatrix<T> head_forward, head_backward;
};

template <class T>
Backpropagation<T>::State::State(const ModelSpec& model, const BatchShape& batch_shape,
                                 ThreadPool& threads, ProductPrecision precision)
    : spec(model),
      shape(batch_shape),
      pool(threads),
      layout(LayOutParameters(spec)),
      order(ExecutionOrder(spec)),
      products(pool, precision),
      attention(spec, shape.length, pool, precision),
      rope(spec, shape.length, pool),
      norm{pool, static_cast<T>(spec.norm_eps)},
      activation{pool, spec.ffn} {
  const int64_t n = shape.predicted();
  const auto tensor = [](int64_t rows, int64_t cols) {
    return Tensor<T>(rows, cols, BlockTape<T>::kWhat);
  };
  inputs.resize(static_cast<size_t>(n));
  targets.resize(inputs.size());
  losses.resize(inputs.size());
  embedded = tensor(n, spec.d_model);
  for (const int64_t block : order) {
    tapes.emplace_back(spec, layout.blocks[static_cast<size_t>(block)], n);
  }
  normed = tensor(n, spec.d_model);
  dnormed = tensor(n, spec.d_model);
  dx = tensor(n, spec.d_model);
  hidden = tensor(n, spec.d_ff);
  dhidden = tensor(n, spec.d_ff);
  dgate_up = tensor(n, layout.blocks.front().gate_up.rows);
  dqkv = tensor(n, layout.blocks.front().qkv.rows);
  dattended = tensor(n, QueryDim(spec));
  logits = tensor(std::min(n, kHeadTokens), spec.vocab_size);
}

template <class T>
double Backpropagation<T>::State::Run(std::span<const T> p, BatchView batch,
                                      std::span<T> gradient) {
  DEEPTHIN_CHECK(gradient.empty() || gradient.size() == p.size());
  RunBlocks(p, batch, {});
  Clear(gradient);
  const double loss = Head(p, gradient);
  if (gradient.empty()) return loss;
  for (size_t i = order.size(); i-- > 0;) {
    BackwardFfn(p, PlacesOf(i), tapes[i], gradient);
    BackwardAttention(p, PlacesOf(i), InputOf(i), tapes[i], gradient);
  }
  AddEmbeddingGradient(gradient);
  return loss;
}

template <class T>
void Backpropagation<T>::State::RunBlocks(std::span<const T> p, BatchView batch,
                                          const ForwardObserver<T>& observer) {
  DEEPTHIN_CHECK(static_cast<int64_t>(p.size()) == layout.count);
  Split(batch);
  Embed(p);
  for (size_t i = 0; i < order.size(); ++i) ForwardBlock(p, i, observer);
}

template <class T>
void Backpropagation<T>::State::Clear(std::span<T> gradient) const {
  const auto clear = [&](int64_t begin, int64_t end) {
    std::fill(gradient.begin() + begin, gradient.begin() + end, T{0});
  };
  pool.ForRanges(static_cast<int64_t>(gradient.size()), kGrainElements, std::cref(clear));
}

// The batch's sequences into what goes in and what is to come out.
template <class T>
void Backpropagation<T>::State::Split(BatchView batch) {
  DEEPTHIN_CHECK(static_cast<int64_t>(batch.size()) == shape.tokens());
  for (const int32_t token : batch) DEEPTHIN_CHECK(token >= 0 && token < spec.vocab_size);
  for (int64_t s = 0; s < shape.sequences; ++s) {
    const int32_t* sequence = batch.data() + s * (shape.length + 1);
    std::copy_n(sequence, shape.length, inputs.data() + s * shape.length);
    std::copy_n(sequence + 1, shape.length, targets.data() + s * shape.length);
  }
}

template <class T>
void Backpropagation<T>::State::Embed(std::span<const T> p) {
  const MatrixView<const T> table = layout.embedding.In(p);
  for (int64_t t = 0; t < embedded.rows(); ++t) {
    std::copy_n(table.Row(inputs[static_cast<size_t>(t)]), table.cols, embedded.Row(t));
  }
}

template <class T>
void Backpropagation<T>::State::ForwardBlock(std::span<const T> p, size_t executed,
                                             const ForwardObserver<T>& observer) {
  const BlockPlaces& places = PlacesOf(executed);
  const MatrixView<const T> in = InputOf(executed);
  BlockTape<T>& tape = tapes[executed];
  const auto index = static_cast<int64_t>(executed);
  AttentionTileCall<T> on_tile;
  if (observer.on_attention) {
    on_tile = [&](const AttentionTile<T>& tile) { observer.on_attention(index, tile); };
  }
  norm.Forward(in, places.attn_norm.In(p).data, normed.view());
  products.Forward(AsConstView(normed.view()), places.qkv.In(p), {}, tape.qkv.view());
  rope.Forward(tape.qkv.view());
  attention.Forward(AsConstView(tape.qkv.view()), tape.attended.view(), tape.log_sums.view(),
                    on_tile);
  products.Forward(AsConstView(tape.attended.view()), places.wo.In(p), in, tape.middle.view());

  const MatrixView<const T> middle = AsConstView(tape.middle.view());
  norm.Forward(middle, places.ffn_norm.In(p).data, normed.view());
  products.Forward(AsConstView(normed.view()), places.gate_up.In(p), {}, tape.gate_up.view());
  if (observer.on_ffn) {
    observer.on_ffn(index, AsConstView(normed.view()), AsConstView(tape.gate_up.view()));
  }
  activation.Forward(AsConstView(tape.gate_up.view()), hidden.view());
  products.Forward(AsConstView(hidden.view()), places.w_down.In(p), middle, tape.out.view());
}

// Final norm, head and loss; with a gradient also back through them, to dx.
template <class T>
double Backpropagation<T>::State::Head(std::span<const T> p, std::span<T> gradient) {
  const bool back = !gradient.empty();
  const MatrixView<const T> last = InputOf(order.size());
  const MatrixView<const T> head = layout.head.In(p);
  const T scale = back ? 1 / static_cast<T>(last.rows) : T{0};
  norm.Forward(last, layout.final_norm.In(p).data, normed.view());
  products.PackTransposed(head, head_forward);
  if (back) products.Pack(head, head_backward);
  for (int64_t begin = 0; begin < last.rows; begin += kHeadTokens) {
    const int64_t end = std::min(begin + kHeadTokens, last.rows);
    const MatrixView<const T> in = AsConstView(normed.view()).Rows(begin, end);
    const MatrixView<T> out = logits.First(end - begin);
    const auto from = static_cast<size_t>(begin);
    products.Multiply(in, head_forward, {}, out);
    CrossEntropy<T>(pool, out, std::span(targets).subspan(from), scale,
                    std::span(losses).subspan(from));
    if (!back) continue;
    products.Multiply(AsConstView(out), head_backward, {}, dnormed.view().Rows(begin, end));
    products.AddWeightGradient(AsConstView(out), in, layout.head.In(gradient));
  }
  if (back) {
    std::fill(dx.values().begin(), dx.values().end(), T{0});
    norm.AddBackward(last, layout.final_norm.In(p).data, AsConstView(dnormed.view()), dx.view(),
                     layout.final_norm.In(gradient).data);
  }
  double sum = 0;
  for (const T loss : losses) sum += static_cast<double>(loss);
  return sum / static_cast<double>(losses.size());
}

// dx, the gradient of the block's output, to that of the residual stream in its middle.
template <class T>
void Backpropagation<T>::State::BackwardFfn(std::span<const T> p, const BlockPlaces& places,
                                            BlockTape<T>& tape, std::span<T> gradient) {
  const MatrixView<const T> dout = AsConstView(dx.view());
  const MatrixView<const T> gate_up = AsConstView(tape.gate_up.view());
  const MatrixView<const T> middle = AsConstView(tape.middle.view());
  products.InputGradient(dout, places.w_down.In(p), dhidden.view());
  activation.Backward(gate_up, AsConstView(dhidden.view()), hidden.view(), dgate_up.view());
  products.AddWeightGradient(dout, AsConstView(hidden.view()), places.w_down.In(gradient));
  norm.Forward(middle, places.ffn_norm.In(p).data, normed.view());
  products.AddWeightGradient(AsConstView(dgate_up.view()), AsConstView(normed.view()),
                             places.gate_up.In(gradient));
  products.InputGradient(AsConstView(dgate_up.view()), places.gate_up.In(p), dnormed.view());
  norm.AddBackward(middle, places.ffn_norm.In(p).data, AsConstView(dnormed.view()), dx.view(),
                   places.ffn_norm.In(gradient).data);
}

// dx, the gradient of the residual stream in the block's middle, to that of its input.
template <class T>
void Backpropagation<T>::State::BackwardAttention(std::span<const T> p, const BlockPlaces& places,
                                                  MatrixView<const T> in, BlockTape<T>& tape,
                                                  std::span<T> gradient) {
  const MatrixView<const T> dmiddle = AsConstView(dx.view());
  const MatrixView<const T> attended = AsConstView(tape.attended.view());
  products.AddWeightGradient(dmiddle, attended, places.wo.In(gradient));
  products.InputGradient(dmiddle, places.wo.In(p), dattended.view());
  attention.Backward(AsConstView(tape.qkv.view()), attended, AsConstView(tape.log_sums.view()),
                     AsConstView(dattended.view()), dqkv.view());
  rope.Backward(dqkv.view());
  norm.Forward(in, places.attn_norm.In(p).data, normed.view());
  products.AddWeightGradient(AsConstView(dqkv.view()), AsConstView(normed.view()),
                             places.qkv.In(gradient));
  products.InputGradient(AsConstView(dqkv.view()), places.qkv.In(p), dnormed.view());
  norm.AddBackward(in, places.attn_norm.In(p).data, AsConstView(dnormed.view()), dx.view(),
                   places.attn_norm.In(gradient).data);
}

// Each token's row of the table; threads take columns, so that tokens add up in their order.
template <class T>
void Backpropagation<T>::State::AddEmbeddingGradient(std::span<T> gradient) {
  const MatrixView<T> table = layout.embedding.In(gradient);
  const auto add = [&](int64_t begin, int64_t end) {
    for (int64_t t = 0; t < dx.rows(); ++t) {
      T* row = table.Row(inputs[static_cast<size_t>(t)]);
      for (int64_t i = begin; i < end; ++i) row[i] += dx.Row(t)[i];
    }
  };
  pool.ForRanges(table.cols, kGrainColumns, std::cref(add));
}

void RequireTrainable(const ModelSpec& spec) {
  Validate(spec);
  if (KvEntryCount(spec) != ExecutedBlocks(spec)) {
    throw InputError({"", "/kv_policy"}, "is shared in a model that repeats blocks",
                     "per_occurrence for training: with shared entries each token waits for the "
                     "tokens before it to leave the whole model");
  }
}

void RequireTrainable(const ModelSpec& spec, int64_t length) {
  RequireTrainable(spec);
  if (length <= spec.max_seq_len) return;
  throw InputError({"", "/max_seq_len"}, "is " + std::to_string(spec.max_seq_len),
                   "at least the " + std::to_string(length) + " tokens of a sequence");
}

template <class T>
Backpropagation<T>::Backpropagation(const ModelSpec& spec, const BatchShape& shape,
                                    ThreadPool& pool, ProductPrecision precision) {
  DEEPTHIN_CHECK(shape.sequences >= 1 && shape.length >= 1);
  RequireTrainable(spec, shape.length);
  state_ = std::make_unique<State>(spec, shape, pool, precision);
}
template <class T>
Backpropagation<T>::~Backpropagation() = default;

template <class T>
const ParameterLayout& Backpropagation<T>::layout() const {
  return state_->layout;
}

template <class T>
double Backpropagation<T>::Loss(std::span<const T> parameters, BatchView batch) {
  return state_->Run(parameters, batch, {});
}

template <class T>
double Backpropagation<T>::LossAndGradient(std::span<const T> parameters, BatchView batch,
                                           std::span<T> gradient) {
  DEEPTHIN_CHECK(gradient.size() == parameters.size());
  return state_->Run(parameters, batch, gradient);
}

template <class T>
void Backpropagation<T>::Observe(std::span<const T> parameters, BatchView batch,
                                 const ForwardObserver<T>& observer) {
  state_->RunBlocks(parameters, batch, observer);
}

template class Backpropagation<float>;
template class Backpropagation<double>;

}  // namespace deepthin::runtime

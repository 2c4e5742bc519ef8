#include "runtime/trainer/backpropagation.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "runtime/trainer/block_tape.h"
#include "runtime/trainer/causal_attention.h"
#include "runtime/trainer/layers.h"
#include "runtime/trainer/products.h"
#include "runtime/trainer/tensor.h"
#include "runtime/trainer/token_parts.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Tokens that a thread takes at a time: few where a row is wide, for L2 to hold what they leave, or
// where threads would go without. Multiples of the rows of the products' tiles; even.
constexpr int64_t kManyTokens = 96;
constexpr int64_t kFewTokens = 48;
constexpr int64_t kBytesOfManyTokens = 256 << 10;  // of the widest matrix
constexpr int64_t kTokensOfManyParts = 8 * kManyTokens;
// Tokens whose logits' gradients are there at a time, and those that a thread takes.
constexpr int64_t kHeadTokens = 960;
constexpr int64_t kHeadTokensOfAThread = 48;
constexpr int64_t kGrainColumns = 16;
constexpr int64_t kGrainElements = 1 << 14;

// Of one weight's gradient.
template <class T>
struct GradientOperands {
  PackedTokens<T> dy, x;
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
  void Reserve(GradientOperands<T>& of, int64_t tokens, const ParameterPlace& weight) const;

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

  int64_t tokens_of_a_thread;            // at a time
  std::vector<int32_t> inputs, targets;  // [tokens]
  std::vector<T> losses;                 // [tokens]
  Tensor<T> embedded;                    // [tokens, d_model]
  std::vector<BlockTape<T>> tapes;
  Tensor<T> ffn_inputs;                 // [tokens, d_model], for an observer
  Tensor<T> dx;                         // [tokens, d_model], of the residual stream
  Tensor<T> dqkv, dattended, row_sums;  // [tokens, ...]
  NormGradientSums<T> norm_sums;
  PackedMatrix<T> packed_qkv, packed_wo, packed_gate_up, packed_down, head_forward, head_backward;
  std::array<GradientOperands<T>, 3> operands;
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
      rope(spec, shape.length),
      norm{static_cast<T>(spec.norm_eps)},
      activation{spec.ffn} {
  const int64_t n = shape.predicted();
  const int64_t widest = layout.blocks.front().gate_up.rows * static_cast<int64_t>(sizeof(T));
  const bool many = n >= kTokensOfManyParts && kManyTokens * widest <= kBytesOfManyTokens;
  tokens_of_a_thread = many ? kManyTokens : kFewTokens;
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
  dx = tensor(n, spec.d_model);
  dqkv = tensor(n, layout.blocks.front().qkv.rows);
  dattended = tensor(n, QueryDim(spec));
  row_sums = tensor(n, spec.n_heads);
  norm_sums = NormGradientSums<T>(n, kFewTokens, spec.d_model);
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
  if (observer.on_ffn) ffn_inputs = Tensor<T>(dx.rows(), spec.d_model, BlockTape<T>::kWhat);
  for (size_t i = 0; i < order.size(); ++i) ForwardBlock(p, i, observer);
}

template <class T>
void Backpropagation<T>::State::Clear(std::span<T> gradient) const {
  const auto clear = [&](int64_t begin, int64_t end) {
    std::fill(gradient.begin() + begin, gradient.begin() + end, T{0});
  };
  pool.ForRanges(static_cast<int64_t>(gradient.size()), kGrainElements, std::cref(clear));
}

template <class T>
void Backpropagation<T>::State::Reserve(GradientOperands<T>& of, int64_t tokens,
                                        const ParameterPlace& weight) const {
  products.Reserve(tokens, weight.rows, of.dy);
  products.Reserve(tokens, weight.cols, of.x);
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
  const int64_t step = tokens_of_a_thread;
  products.PackTransposed(places.qkv.In(p), packed_qkv);
  ForTokens(pool, 0, in.rows, step, [&](int64_t begin, int64_t end) {
    const auto [normed] = RoomFor<T, 1>(end - begin, {spec.d_model});
    const MatrixView<T> qkv = tape.qkv.view().Rows(begin, end);
    norm.Forward(in.Rows(begin, end), places.attn_norm.In(p).data, normed);
    products.Multiply(AsConstView(normed), packed_qkv, {}, qkv);
    rope.Forward(begin, qkv);
  });
  attention.Forward(AsConstView(tape.qkv.view()), tape.attended.view(), tape.log_sums.view(),
                    on_tile);
  products.PackTransposed(places.wo.In(p), packed_wo);
  products.PackTransposed(places.gate_up.In(p), packed_gate_up);
  products.PackTransposed(places.w_down.In(p), packed_down);
  ForTokens(pool, 0, in.rows, step, [&](int64_t begin, int64_t end) {
    auto [normed, hidden] = RoomFor<T, 2>(end - begin, {spec.d_model, spec.d_ff});
    if (observer.on_ffn) normed = ffn_inputs.view().Rows(begin, end);
    const MatrixView<T> middle = tape.middle.view().Rows(begin, end);
    const MatrixView<T> gate_up = tape.gate_up.view().Rows(begin, end);
    products.Multiply(AsConstView(tape.attended.view().Rows(begin, end)), packed_wo,
                      in.Rows(begin, end), middle);
    norm.Forward(AsConstView(middle), places.ffn_norm.In(p).data, normed);
    products.Multiply(AsConstView(normed), packed_gate_up, {}, gate_up);
    activation.Forward(AsConstView(gate_up), hidden);
    products.Multiply(AsConstView(hidden), packed_down, AsConstView(middle),
                      tape.out.view().Rows(begin, end));
  });
  if (observer.on_ffn) {
    observer.on_ffn(index, AsConstView(ffn_inputs.view()), AsConstView(tape.gate_up.view()));
  }
}

// Final norm, head and loss; with a gradient also back through them, to dx.
template <class T>
double Backpropagation<T>::State::Head(std::span<const T> p, std::span<T> gradient) {
  const bool back = !gradient.empty();
  const MatrixView<const T> last = InputOf(order.size());
  const MatrixView<const T> head = layout.head.In(p);
  const T* g = layout.final_norm.In(p).data;
  const T scale = back ? 1 / static_cast<T>(last.rows) : T{0};
  GradientOperands<T>& of_head = operands[0];
  products.PackTransposed(head, head_forward);
  if (back) products.Pack(head, head_backward);
  for (int64_t first = 0; first < last.rows; first += kHeadTokens) {
    const int64_t after = std::min(first + kHeadTokens, last.rows);
    if (back) Reserve(of_head, after - first, layout.head);
    ForTokens(pool, first, after, kHeadTokensOfAThread, [&](int64_t begin, int64_t end) {
      const auto [normed, dnormed, logits] =
          RoomFor<T, 3>(end - begin, {spec.d_model, spec.d_model, spec.vocab_size});
      const auto from = static_cast<size_t>(begin);
      norm.Forward(last.Rows(begin, end), g, normed);
      products.Multiply(AsConstView(normed), head_forward, {}, logits);
      CrossEntropy<T>(logits, std::span(targets).subspan(from), scale,
                      std::span(losses).subspan(from));
      if (!back) return;
      products.PackTokens(AsConstView(logits), begin - first, of_head.dy);
      products.PackTokens(AsConstView(normed), begin - first, of_head.x);
      products.Multiply(AsConstView(logits), head_backward, {}, dnormed);
      const MatrixView<T> dlast = dx.view().Rows(begin, end);
      std::fill_n(dlast.data, dlast.rows * dlast.cols, T{0});
      norm.AddBackward(last.Rows(begin, end), g, AsConstView(dnormed), dlast, norm_sums.At(begin));
    });
    if (back) products.AddWeightGradient(of_head.dy, of_head.x, layout.head.In(gradient));
  }
  if (back) norm_sums.AddTo(kHeadTokensOfAThread, layout.final_norm.In(gradient).data);
  double sum = 0;
  for (const T loss : losses) sum += static_cast<double>(loss);
  return sum / static_cast<double>(losses.size());
}

// dx, the gradient of the block's output, to that of the residual stream in its middle; dattended
// from that.
template <class T>
void Backpropagation<T>::State::BackwardFfn(std::span<const T> p, const BlockPlaces& places,
                                            BlockTape<T>& tape, std::span<T> gradient) {
  GradientOperands<T>& of_down = operands[0];
  GradientOperands<T>& of_gate_up = operands[1];
  GradientOperands<T>& of_wo = operands[2];
  Reserve(of_down, dx.rows(), places.w_down);
  Reserve(of_gate_up, dx.rows(), places.gate_up);
  Reserve(of_wo, dx.rows(), places.wo);
  products.Pack(places.w_down.In(p), packed_down);
  products.Pack(places.gate_up.In(p), packed_gate_up);
  products.Pack(places.wo.In(p), packed_wo);
  const T* g = places.ffn_norm.In(p).data;
  ForTokens(pool, 0, dx.rows(), tokens_of_a_thread, [&](int64_t begin, int64_t end) {
    const auto [normed, dnormed, hidden, dhidden, dgate_up] = RoomFor<T, 5>(
        end - begin, {spec.d_model, spec.d_model, spec.d_ff, spec.d_ff, places.gate_up.rows});
    const MatrixView<T> d = dx.view().Rows(begin, end);  // of the output, then of the middle
    const MatrixView<const T> middle = AsConstView(tape.middle.view().Rows(begin, end));
    products.PackTokens(AsConstView(d), begin, of_down.dy);
    products.Multiply(AsConstView(d), packed_down, {}, dhidden);
    activation.Backward(AsConstView(tape.gate_up.view().Rows(begin, end)), AsConstView(dhidden),
                        hidden, dgate_up);
    products.PackTokens(AsConstView(hidden), begin, of_down.x);
    products.PackTokens(AsConstView(dgate_up), begin, of_gate_up.dy);
    products.Multiply(AsConstView(dgate_up), packed_gate_up, {}, dnormed);
    norm.Forward(middle, g, normed);
    products.PackTokens(AsConstView(normed), begin, of_gate_up.x);
    norm.AddBackward(middle, g, AsConstView(dnormed), d, norm_sums.At(begin));
    products.PackTokens(AsConstView(d), begin, of_wo.dy);
    const MatrixView<const T> attended = AsConstView(tape.attended.view().Rows(begin, end));
    const MatrixView<T> dout = dattended.view().Rows(begin, end);
    products.PackTokens(attended, begin, of_wo.x);
    products.Multiply(AsConstView(d), packed_wo, {}, dout);
    attention.RowSums(attended, AsConstView(dout), row_sums.view().Rows(begin, end));
  });
  norm_sums.AddTo(tokens_of_a_thread, places.ffn_norm.In(gradient).data);
  products.AddWeightGradient(of_down.dy, of_down.x, places.w_down.In(gradient));
  products.AddWeightGradient(of_gate_up.dy, of_gate_up.x, places.gate_up.In(gradient));
  products.AddWeightGradient(of_wo.dy, of_wo.x, places.wo.In(gradient));
}

// dattended and dx, the gradient of the block's middle, to that of its input.
template <class T>
void Backpropagation<T>::State::BackwardAttention(std::span<const T> p, const BlockPlaces& places,
                                                  MatrixView<const T> in, BlockTape<T>& tape,
                                                  std::span<T> gradient) {
  attention.Backward(AsConstView(tape.qkv.view()), AsConstView(tape.log_sums.view()),
                     AsConstView(dattended.view()), AsConstView(row_sums.view()), dqkv.view());
  GradientOperands<T>& of_qkv = operands[0];
  Reserve(of_qkv, dx.rows(), places.qkv);
  products.Pack(places.qkv.In(p), packed_qkv);
  const T* g = places.attn_norm.In(p).data;
  ForTokens(pool, 0, dx.rows(), tokens_of_a_thread, [&](int64_t begin, int64_t end) {
    const auto [normed, dnormed] = RoomFor<T, 2>(end - begin, {spec.d_model, spec.d_model});
    const MatrixView<T> d = dqkv.view().Rows(begin, end);
    rope.Backward(begin, d);
    norm.Forward(in.Rows(begin, end), g, normed);
    products.PackTokens(AsConstView(d), begin, of_qkv.dy);
    products.PackTokens(AsConstView(normed), begin, of_qkv.x);
    products.Multiply(AsConstView(d), packed_qkv, {}, dnormed);
    norm.AddBackward(in.Rows(begin, end), g, AsConstView(dnormed), dx.view().Rows(begin, end),
                     norm_sums.At(begin));
  });
  norm_sums.AddTo(tokens_of_a_thread, places.attn_norm.In(gradient).data);
  products.AddWeightGradient(of_qkv.dy, of_qkv.x, places.qkv.In(gradient));
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

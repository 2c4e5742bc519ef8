#include "costmodel/op_list.h"

#include <algorithm>

namespace deepthin::costmodel {
namespace {

constexpr int64_t kTensorsPerBlock = 6;

// Place of a tensor within its stored block.
enum BlockTensor : int64_t { kAttnNormT, kQkvT, kAttnOutT, kFfnNormT, kFfnUpT, kFfnDownT };

class Builder {
 public:
  Builder(const ModelSpec& spec, const Precision& precision, const Pass& pass)
      : spec_(spec),
        precision_(precision),
        pass_(pass),
        rows_(pass.batch * pass.new_tokens),
        q_(QueryDim(spec)),
        kv_(KvDim(spec)),
        up_((FfnMatrices(spec.ffn) - 1) * spec.d_ff) {}

  OpList Build() {
    list_.pass = pass_;
    StoreTensors();
    const Bytes entry = KvBytes(pass_.batch * (pass_.context_tokens + pass_.new_tokens));
    list_.kv_entry_bytes.assign(static_cast<size_t>(KvEntryCount(spec_)), entry);

    AddEmbed();
    // All blocks have one shape: their operators differ in the tensors and KV entries only.
    const std::vector<Op> block = BlockOps();
    for (const Op& op : block) {
      list_.block_workspace = std::max(list_.block_workspace, op.live_activations);
    }
    const std::vector<int64_t> order = ExecutionOrder(spec_);
    const std::vector<int64_t> entries = KvEntries(spec_);
    list_.ops.reserve(order.size() * block.size() + 3);
    for (size_t i = 0; i < order.size(); ++i) {
      for (Op op : block) {
        if (op.tensor) op.tensor = order[i] * kTensorsPerBlock + *op.tensor;
        if (op.kv_entry) op.kv_entry = entries[i];
        list_.ops.push_back(op);
      }
    }
    AddFinalNormAndHead();
    return std::move(list_);
  }

 private:
  [[nodiscard]] Bytes Act(int64_t rows, int64_t cols) const {
    return StorageBytes(precision_.activations, rows, cols);
  }
  // Key and value of one entry: n_kv_heads x head_dim wide, never n_heads.
  [[nodiscard]] Bytes KvBytes(int64_t tokens) const {
    return StorageBytes(precision_.kv, 2 * tokens, kv_);
  }

  void StoreTensors() {
    const Dtype w = precision_.weights;
    const Bytes norm = StorageBytes(Dtype::kF32, 1, spec_.d_model);
    const Bytes table = StorageBytes(precision_.embedding, spec_.vocab_size, spec_.d_model);
    block_tensors_ = {norm,
                      StorageBytes(w, q_ + 2 * kv_, spec_.d_model),
                      StorageBytes(w, spec_.d_model, q_),
                      norm,
                      StorageBytes(w, up_, spec_.d_model),
                      StorageBytes(w, spec_.d_model, spec_.d_ff)};
    for (int64_t i = 0; i < spec_.n_blocks; ++i) {
      list_.tensor_bytes.insert(list_.tensor_bytes.end(), block_tensors_.begin(),
                                block_tensors_.end());
    }
    final_norm_ = Store(norm);
    embedding_ = Store(table);
    head_ = spec_.tie_embeddings ? embedding_ : Store(table);
  }
  int64_t Store(Bytes bytes) {
    list_.tensor_bytes.push_back(bytes);
    return static_cast<int64_t>(list_.tensor_bytes.size()) - 1;
  }

  [[nodiscard]] Op Elementwise(OpKind kind, Bytes in, Bytes out) const {
    Op op;
    op.kind = kind;
    op.rows = rows_;
    op.activations_in = in;
    op.activations_out = out;
    op.live_activations = in + out;
    return op;
  }
  [[nodiscard]] Op Norm(OpKind kind, BlockTensor tensor) const {
    const Bytes x = Act(rows_, spec_.d_model);
    Op op = Elementwise(kind, x, x);  // its input is the residual stream
    op.tensor = tensor;
    op.weights = block_tensors_[tensor];
    return op;
  }
  // A matrix product that leaves the residual stream alone while it runs.
  [[nodiscard]] Op Product(OpKind kind, BlockTensor tensor, int64_t in, int64_t out) const {
    Op op = Elementwise(kind, Act(rows_, in), Act(rows_, out));
    op.tensor = tensor;
    op.matrix_dtype = precision_.weights;
    op.weights = block_tensors_[tensor];
    op.macs = Macs(rows_ * in * out);
    op.live_activations += Act(rows_, spec_.d_model);
    return op;
  }
  // A matrix product whose result is added to the residual stream, which it reads and writes.
  [[nodiscard]] Op AddingProduct(OpKind kind, BlockTensor tensor, int64_t in) const {
    Op op = Product(kind, tensor, in, spec_.d_model);
    op.activations_in += Act(rows_, spec_.d_model);
    return op;
  }

  [[nodiscard]] std::vector<Op> BlockOps() const {
    const Bytes residual = Act(rows_, spec_.d_model);
    std::vector<Op> ops;
    ops.push_back(Norm(OpKind::kAttnNorm, kAttnNormT));
    ops.push_back(Product(OpKind::kQkv, kQkvT, spec_.d_model, q_ + 2 * kv_));

    Op rope = Elementwise(OpKind::kRopeKvWrite, Act(rows_, q_ + 2 * kv_), Act(rows_, q_));
    rope.kv_entry = 0;
    rope.kv_written = KvBytes(rows_);
    rope.live_activations += residual + rope.kv_written;
    ops.push_back(rope);

    Op attention = Elementwise(OpKind::kAttention, Act(rows_, q_), Act(rows_, q_));
    attention.kv_entry = 0;
    attention.matrix_dtype = precision_.kv;
    attention.kv_read = KvBytes(pass_.batch * pass_.context_tokens);
    attention.kv_new = KvBytes(rows_);
    attention.live_activations += residual + attention.kv_new;
    // Causal: the i-th new token sees the context, the i - 1 before it and itself; QK and PV.
    const int64_t n = pass_.new_tokens;
    const int64_t seen = n * pass_.context_tokens + n * (n + 1) / 2;
    attention.macs = Macs(2 * pass_.batch * q_ * seen);
    ops.push_back(attention);

    ops.push_back(AddingProduct(OpKind::kAttnOut, kAttnOutT, q_));
    ops.push_back(Norm(OpKind::kFfnNorm, kFfnNormT));
    ops.push_back(Product(OpKind::kFfnUp, kFfnUpT, spec_.d_model, up_));
    Op act = Elementwise(OpKind::kFfnAct, Act(rows_, up_), Act(rows_, spec_.d_ff));
    act.live_activations += residual;
    ops.push_back(act);
    ops.push_back(AddingProduct(OpKind::kFfnDown, kFfnDownT, spec_.d_ff));
    return ops;
  }

  void AddEmbed() {
    Op op = Elementwise(OpKind::kEmbed, Bytes(0), Act(rows_, spec_.d_model));
    op.tensor = embedding_;
    op.weights = StorageBytes(precision_.embedding, rows_, spec_.d_model);
    list_.ops.push_back(op);
  }

  // Only the last token of each sequence needs its logits, which are f32.
  void AddFinalNormAndHead() {
    const int64_t rows = pass_.batch;
    const Bytes x = Act(rows, spec_.d_model);
    Op norm = Elementwise(OpKind::kFinalNorm, x, x);
    norm.rows = rows;
    norm.tensor = final_norm_;
    norm.weights = list_.tensor_bytes[static_cast<size_t>(final_norm_)];
    list_.ops.push_back(norm);

    Op head = Elementwise(OpKind::kHead, x, StorageBytes(Dtype::kF32, rows, spec_.vocab_size));
    head.rows = rows;
    head.tensor = head_;
    head.matrix_dtype = precision_.embedding;
    head.weights = list_.tensor_bytes[static_cast<size_t>(head_)];
    head.macs = Macs(rows * spec_.d_model * spec_.vocab_size);
    list_.ops.push_back(head);
  }

  const ModelSpec& spec_;
  const Precision& precision_;
  Pass pass_;
  int64_t rows_;
  int64_t q_;
  int64_t kv_;
  int64_t up_;
  std::array<Bytes, kTensorsPerBlock> block_tensors_{};
  int64_t final_norm_ = 0;
  int64_t embedding_ = 0;
  int64_t head_ = 0;
  OpList list_;
};

}  // namespace

OpList BuildOpList(const ModelSpec& spec, const Precision& precision, const Pass& pass) {
  return Builder(spec, precision, pass).Build();
}

}  // namespace deepthin::costmodel

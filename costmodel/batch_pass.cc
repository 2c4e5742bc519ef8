#include "costmodel/batch_pass.h"

#include <algorithm>

#include "costmodel/estimator.h"
#include "costmodel/pass_traffic.h"
#include "costmodel/tiling.h"
#include "spec/errors.h"

namespace deepthin::costmodel {
namespace {

// Bytes of a row as groups x unit + extra, which needs no branch for the format. Taken from
// StorageBytes(), not stated again.
struct RowFormat {
  int shift = 0;  // log2 of a group's columns
  int64_t unit = 0;
  int64_t extra = 0;
};

constexpr RowFormat RowFormatOf(Dtype dtype) {
  const auto bytes = [&](int64_t cols) { return StorageBytes(dtype, 1, cols).value(); };
  const int shift = bytes(1) == bytes(32) ? 5 : 0;
  const int64_t group = int64_t{1} << shift;
  const int64_t unit = bytes(group + 1) - bytes(group);
  return {.shift = shift, .unit = unit, .extra = bytes(1) - unit};
}

constexpr size_t kDtypes = EnumTexts<Dtype>::kList.size();
constexpr std::array<RowFormat, kDtypes> kRowFormats = [] {
  std::array<RowFormat, kDtypes> formats{};
  for (const auto& [dtype, text] : EnumTexts<Dtype>::kList) {
    formats[static_cast<size_t>(dtype)] = RowFormatOf(dtype);
  }
  return formats;
}();

Bytes RowBytes(Dtype dtype, int64_t cols) {
  const RowFormat& f = kRowFormats[static_cast<size_t>(dtype)];
  const int64_t groups = (cols + (int64_t{1} << f.shift) - 1) >> f.shift;
  return Bytes(groups * f.unit + f.extra);
}

// One operator, as in OpList, for all rows of a pass.
struct BatchOp {
  Bytes in;
  Bytes out;
  Macs macs;
  MacsPerSecond rate;
  Bytes kv_new;
  Bytes read;        // weights or keys and values of the context, once
  Bytes written;     // keys and values
  size_t level = 0;  // where the activations lie
  Tiling tiling;
};

class PassCounter {
 public:
  PassCounter(const BatchSizes& sizes, const BatchSoc& soc, const Pass& pass)
      : sizes_(sizes), soc_(soc), pass_(pass), rows_(pass.batch * pass.new_tokens) {}

  BatchPassCost Run() {
    workspace_ = rows_ * sizes_.block_workspace;
    block_level_ = ActivationLevel(workspace_);
    const ServedBlocks served = ServeBlocks(Trace(), Room());
    AddEnds(served);
    AddWeightOps(served);
    AddKvOps(served);
    // The activation function touches nothing else.
    Add(sizes_.executed, BlockOp(sizes_.act_up, sizes_.act_ffn), {});
    cost_.time += static_cast<double>(sizes_.executed) * soc_.fixed().per_executed_block.value +
                  soc_.fixed().per_token.value;
    return cost_;
  }

 private:
  // From where an operator's operand comes: so much of it from `level`, the rest from DRAM.
  struct Source {
    size_t level = 0;
    Bytes read;
    Bytes written;
  };

  [[nodiscard]] const BatchDesign& design() const { return sizes_.design; }
  [[nodiscard]] bool is_decode() const { return pass_.context_tokens > 0; }

  [[nodiscard]] BatchTrace Trace() const {
    const BatchDesign& d = design();
    const int64_t batch = pass_.batch;
    return {.kind = d.kind,
            .times = d.times,
            .n_blocks = d.n_blocks,
            .shared_kv = d.shared_kv,
            .tied = d.tied,
            .decode = is_decode(),
            .tensors = sizes_.tensors,
            .block = sizes_.block,
            .kv_entry = batch * (pass_.context_tokens + pass_.new_tokens) * sizes_.kv_token,
            .kv_read = batch * pass_.context_tokens * sizes_.kv_token,
            .kv_written = rows_ * sizes_.kv_token,
            .lookup = rows_ * sizes_.table_row,
            .final_norm = sizes_.norm,
            .head = sizes_.table,
            .logits = Logits()};
  }
  [[nodiscard]] BatchRoom Room() const {
    BatchRoom room{.levels = soc_.dram(), .room = {}, .pinned = soc_.pinned()};
    for (size_t i = 0; i < soc_.dram(); ++i) {
      room.room[i] = std::max(Bytes(0), soc_.capacity(i) - workspace_);
    }
    return room;
  }
  [[nodiscard]] Bytes Logits() const {
    return StorageBytes(Dtype::kF32, pass_.batch, design().vocab_size);
  }
  [[nodiscard]] size_t ActivationLevel(Bytes held) const {
    size_t level = 0;
    while (level < soc_.dram() && soc_.capacity(level) < held) ++level;
    return level;
  }

  // in, out: of one token.
  [[nodiscard]] BatchOp BlockOp(Bytes in, Bytes out) const {
    BatchOp op;
    op.in = rows_ * in;
    op.out = rows_ * out;
    op.level = block_level_;
    Tile(op, rows_);
    return op;
  }
  [[nodiscard]] BatchOp WeightOp(size_t tensor, Bytes in, Bytes out, int64_t macs_per_row) const {
    BatchOp op;
    op.in = rows_ * in;
    op.out = rows_ * out;
    op.read = sizes_.tensors[tensor];
    op.macs = Macs(rows_ * macs_per_row);
    op.rate = weight_rate_;
    op.level = block_level_;
    Tile(op, rows_);
    return op;
  }
  void Tile(BatchOp& op, int64_t rows) const {
    if (op.level < soc_.dram()) return;
    op.tiling = ChooseTiling(
        {.rows = rows, .stationary = op.read, .activations_in = op.in, .activations_out = op.out},
        soc_.largest_on_chip());
  }

  // Embedding, final norm and head.
  void AddEnds(const ServedBlocks& served) {
    const Bytes x = rows_ * sizes_.act_model;
    BatchOp embed;
    embed.out = x;
    embed.read = rows_ * sizes_.table_row;
    embed.level = ActivationLevel(x);
    Add(1, embed, {served.lookup.level, served.lookup.bytes, Bytes(0)});

    const Bytes last = pass_.batch * sizes_.act_model;
    BatchOp norm;
    norm.in = norm.out = last;
    norm.read = sizes_.norm;
    norm.level = ActivationLevel(2 * last);
    Tile(norm, pass_.batch);
    Add(1, norm, {served.final_norm.level, served.final_norm.bytes, Bytes(0)});

    BatchOp head;
    head.in = last;
    head.out = Logits();
    head.read = sizes_.table;
    head.macs = Macs(pass_.batch * design().d_model * design().vocab_size);
    head.rate = soc_.rate(design().precision.embedding);
    head.level = ActivationLevel(head.in + head.out);
    Tile(head, pass_.batch);
    Add(1, head, {served.head.level, served.head.bytes, Bytes(0)});
  }

  void AddWeightOps(const ServedBlocks& served) {
    const BatchDesign& d = design();
    const BatchSizes& s = sizes_;
    weight_rate_ = soc_.rate(d.precision.weights);
    const Bytes x = s.act_model;
    const std::array<BatchOp, kTensorsOfABlock> ops = {
        WeightOp(0, x, x, 0),
        WeightOp(1, x, s.act_qkv, d.d_model * (d.query_dim + 2 * d.kv_dim)),
        WeightOp(2, s.act_query + x, x, d.query_dim * d.d_model),
        WeightOp(3, x, x, 0),
        WeightOp(4, x, s.act_up, d.d_model * d.up_dim),
        WeightOp(5, s.act_ffn + x, x, d.d_ff * d.d_model)};
    for (size_t i = 0; i < ops.size(); ++i) {
      for (size_t tier = 0; tier <= soc_.dram(); ++tier) {
        if (served.weights[tier] == 0) continue;
        Add(served.weights[tier], ops[i], {tier, ops[i].read, Bytes(0)});
      }
      if (served.split_weights > 0) {
        Add(served.split_weights, ops[i], {0, served.split_tensors[i], Bytes(0)});
      }
    }
  }

  // RoPE, which writes new keys and values, and attention.
  void AddKvOps(const ServedBlocks& served) {
    const BatchSizes& s = sizes_;
    const Bytes kv_new = rows_ * s.kv_token;
    BatchOp rope = BlockOp(s.act_qkv, s.act_query);
    rope.written = kv_new;
    const BatchOp attention = Attention(kv_new);
    for (size_t tier = 0; tier <= soc_.dram(); ++tier) {
      if (served.kv[tier] == 0) continue;
      Add(served.kv[tier], rope, {tier, Bytes(0), rope.written});
      Add(served.kv[tier], attention, {tier, attention.read, Bytes(0)});
    }
    if (served.split_kv > 0) {
      Add(served.split_kv, rope, {0, Bytes(0), served.split_kv_written});
      Add(served.split_kv, attention, {0, served.split_kv_read, Bytes(0)});
    }
  }

  [[nodiscard]] BatchOp Attention(Bytes kv_new) const {
    const int64_t n = pass_.new_tokens;
    const int64_t batch = pass_.batch;
    BatchOp op;
    op.in = op.out = rows_ * sizes_.act_query;
    op.kv_new = kv_new;
    op.read = batch * pass_.context_tokens * sizes_.kv_token;
    const int64_t seen = n * pass_.context_tokens + n * (n + 1) / 2;
    op.macs = Macs(2 * batch * design().query_dim * seen);
    op.rate = soc_.rate(design().precision.kv);
    op.level = block_level_;
    if (op.level == soc_.dram()) {  // each sequence attends to its own keys and values
      op.tiling = ChooseTiling({.rows = n,
                                .stationary = (op.kv_new + op.read) / batch,
                                .activations_in = op.in / batch,
                                .activations_out = op.out / batch},
                               soc_.largest_on_chip());
    }
    return op;
  }

  // max(compute, each level's transfer) + fixed, as PassEstimator::AddOp has it.
  void Add(int64_t executions, const BatchOp& op, const Source& source) {
    const size_t dram = soc_.dram();
    const int64_t passes = op.tiling.stationary_passes;
    Bytes near_read = op.in * op.tiling.activation_passes + op.kv_new * passes;
    Bytes near_written = op.out;
    // What the level of the operand serves, and what DRAM does.
    const bool on_chip = source.level < dram;
    Bytes hit_read = on_chip ? source.read * passes : Bytes(0);
    Bytes hit_written = on_chip ? source.written : Bytes(0);
    Bytes dram_read = op.read * passes - hit_read;
    Bytes dram_written = op.written - hit_written;
    if (op.level == dram) {
      dram_read += near_read;
      dram_written += near_written;
    } else if (op.level == source.level) {
      near_read += hit_read;
      near_written += hit_written;
      hit_read = hit_written = Bytes(0);
    }
    Seconds time = soc_.Transfer(dram, dram_read, dram_written);
    if (op.level < dram) time = std::max(time, soc_.Transfer(op.level, near_read, near_written));
    if (hit_read + hit_written > Bytes(0)) {
      time = std::max(time, soc_.Transfer(source.level, hit_read, hit_written));
    }
    if (op.macs > Macs(0)) time = std::max(time, op.macs / op.rate);
    cost_.time += static_cast<double>(executions) * (time + soc_.fixed().per_operator.value);
    cost_.dram_bytes += executions * (dram_read + dram_written);
  }

  const BatchSizes& sizes_;
  const BatchSoc& soc_;
  Pass pass_;
  int64_t rows_;
  Bytes workspace_;
  size_t block_level_ = 0;
  MacsPerSecond weight_rate_;
  BatchPassCost cost_;
};

bool HasCalibratedRates(const SocSpec& soc) {
  return soc.attention || soc.elementwise ||
         std::any_of(soc.compute.begin(), soc.compute.end(), [](const ComputeRate& rate) {
           return rate.one_token || rate.unpack || rate.exposed;
         });
}

}  // namespace

BatchSoc::BatchSoc(const SocSpec& soc) : soc_(&soc), dram_(DramLevel(soc)) {
  covered_ = dram_ < kMaxTiers && !HasCalibratedRates(soc);
  if (!covered_) return;
  for (size_t i = 0; i <= dram_; ++i) {
    const MemoryLevel& level = soc.levels[i];
    capacity_[i] = level.capacity.value;
    read_[i] = level.read_bandwidth.value;
    write_[i] = level.write_bandwidth.value;
    if (i == dram_) break;
    largest_on_chip_ = std::max(largest_on_chip_, level.capacity.value);
    pinned_ = pinned_ || level.replacement == Replacement::kPinned;
  }
  covered_ = !pinned_ || dram_ == 1;
  for (const auto& [dtype, text] : EnumTexts<Dtype>::kList) {
    try {
      rates_[static_cast<size_t>(dtype)] = RateFor(soc, dtype).peak.value;
    } catch (const InputError&) {
      continue;  // an error for who asks for it
    }
  }
}

MacsPerSecond BatchSoc::rate(Dtype dtype) const {
  const MacsPerSecond found = rates_[static_cast<size_t>(dtype)];
  if (found.value() > 0) return found;
  return RateFor(*soc_, dtype).peak.value;  // throws
}

BatchSizes::BatchSizes(const BatchDesign& from) : design(from) {
  const BatchDesign& d = design;
  const Precision& p = d.precision;
  const int64_t qkv = d.query_dim + 2 * d.kv_dim;
  executed = d.n_blocks * d.times;
  kv_entries = d.shared_kv ? d.n_blocks : executed;
  norm = RowBytes(Dtype::kF32, d.d_model);
  const Bytes model_row = RowBytes(p.weights, d.d_model);
  tensors = {norm, qkv * model_row,      d.d_model * RowBytes(p.weights, d.query_dim),
             norm, d.up_dim * model_row, d.d_model * RowBytes(p.weights, d.d_ff)};
  for (const Bytes tensor : tensors) block += tensor;
  table_row = RowBytes(p.embedding, d.d_model);
  table = d.vocab_size * table_row;
  kv_token = 2 * RowBytes(p.kv, d.kv_dim);
  act_model = RowBytes(p.activations, d.d_model);
  act_query = RowBytes(p.activations, d.query_dim);
  act_qkv = RowBytes(p.activations, qkv);
  act_up = RowBytes(p.activations, d.up_dim);
  act_ffn = RowBytes(p.activations, d.d_ff);
  // As OpList says of each operator: QKV, RoPE, attention, output, up, activation, down. The norms
  // hold less than QKV.
  block_workspace =
      act_model +
      std::max({act_model + act_qkv, act_qkv + act_query + kv_token, 2 * act_query + kv_token,
                act_query + act_model, act_model + act_up, act_up + act_ffn, act_ffn + act_model});
}

Bytes BatchSizes::LargestActivations(const Pass& pass) const {
  const Bytes logits = StorageBytes(Dtype::kF32, pass.batch, design.vocab_size);
  return std::max(pass.batch * pass.new_tokens * block_workspace, pass.batch * act_model + logits);
}

BatchPassCost EstimateBatchPass(const BatchSizes& sizes, const BatchSoc& soc, const Pass& pass) {
  return PassCounter(sizes, soc, pass).Run();
}

}  // namespace deepthin::costmodel

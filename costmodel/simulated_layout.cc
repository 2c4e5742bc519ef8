#include "costmodel/simulated_layout.h"

#include <algorithm>

namespace deepthin::costmodel {

SimulatedLayout::SimulatedLayout(const OpList& list, Bytes line)
    : pass_(list.pass), line_(line), residual_bytes_(list.ops.front().activations_out) {
  for (const Bytes bytes : list.tensor_bytes) tensors_.push_back(Add(bytes));
  for (const Bytes bytes : list.kv_entry_bytes) kv_entries_.push_back(Add(bytes));
  residual_ = Add(residual_bytes_);
  // The input and output that are not the residual stream lie in the arena together.
  int64_t arena = 0;
  for (const Op& op : list.ops) {
    const bool adds = op.kind == OpKind::kAttnOut || op.kind == OpKind::kFfnDown;
    const Bytes in = adds ? op.activations_in - residual_bytes_ : op.activations_in;
    const Bytes out = adds || op.kind == OpKind::kHead ? Bytes(0) : op.activations_out;
    const bool from_residual = op.kind == OpKind::kAttnNorm || op.kind == OpKind::kFfnNorm ||
                               op.kind == OpKind::kFinalNorm || op.kind == OpKind::kEmbed;
    arena = std::max(arena, (from_residual ? 0 : Lines(in)) + Lines(out));
  }
  arena_ = Add(Bytes(arena * line_.value()));
  logits_ = Add(list.ops.back().activations_out);
}

Region SimulatedLayout::Add(Bytes bytes) {
  const Region region{next_, Lines(bytes)};
  next_ += region.lines;
  return region;
}

int64_t SimulatedLayout::Sequences(const Op& op) const {
  return op.kind == OpKind::kAttention ? pass_.batch : 1;
}

LoopNest SimulatedLayout::NestOf(const Op& op, int64_t sequence, int64_t run) const {
  const std::vector<Region> residual = {residual_};
  const std::vector<Region> left_in = {Left(op.activations_in)};
  const std::vector<Region> left_out = {Left(op.activations_out)};
  const std::vector<Region> right_in = {Right(op.activations_in)};
  const std::vector<Region> right_out = {Right(op.activations_out)};
  const Bytes beside_residual = op.activations_in - residual_bytes_;
  switch (op.kind) {
    case OpKind::kEmbed:
      return {.in = {}, .stationary = LookedUp(op, run), .out = residual, .rows = op.rows};
    case OpKind::kAttnNorm:
    case OpKind::kFfnNorm:
    case OpKind::kFinalNorm:
      return {.in = {{residual_.first, Lines(op.activations_in)}},
              .stationary = {Tensor(op)},
              .out = left_out,
              .rows = op.rows};
    case OpKind::kQkv:
    case OpKind::kFfnUp:
      return {.in = left_in, .stationary = {Tensor(op)}, .out = right_out, .rows = op.rows};
    case OpKind::kRopeKvWrite: {
      LoopNest nest{.in = right_in, .stationary = {}, .out = left_out, .rows = op.rows};
      for (int64_t b = 0; b < pass_.batch; ++b) nest.out.push_back(NewTokens(op, b));
      return nest;
    }
    case OpKind::kAttention:
      return Attention(op, sequence);
    case OpKind::kAttnOut:
      return {.in = {Right(beside_residual), residual_},
              .stationary = {Tensor(op)},
              .out = residual,
              .rows = op.rows};
    case OpKind::kFfnAct:
      return {.in = right_in, .stationary = {}, .out = left_out, .rows = op.rows};
    case OpKind::kFfnDown:
      return {.in = {Left(beside_residual), residual_},
              .stationary = {Tensor(op)},
              .out = residual,
              .rows = op.rows};
    case OpKind::kHead:
      return {.in = left_in, .stationary = {Tensor(op)}, .out = {logits_}, .rows = op.rows};
  }
  return {};
}

LoopNest SimulatedLayout::Attention(const Op& op, int64_t sequence) const {
  return {.in = {Left(op.activations_in).Part(sequence, pass_.batch)},
          .stationary = {Context(op, sequence), NewTokens(op, sequence)},
          .out = {Right(op.activations_out).Part(sequence, pass_.batch)},
          .rows = pass_.new_tokens,
          .share = 1.0 / static_cast<double>(pass_.batch)};
}

// Rows that no pass before has looked up, as far as the table goes: the next token is not known.
std::vector<Region> SimulatedLayout::LookedUp(const Op& op, int64_t run) const {
  const Region table = Tensor(op);
  const int64_t lines = Lines(op.weights / op.rows);
  std::vector<Region> rows;
  for (int64_t row = 0; row < op.rows; ++row) {
    const int64_t at = (run * op.rows + row) * lines % std::max<int64_t>(1, table.lines - lines);
    rows.push_back({table.first + at, lines});
  }
  return rows;
}

Region SimulatedLayout::Context(const Op& op, int64_t sequence) const {
  const Region mine = kv_entries_[static_cast<size_t>(*op.kv_entry)].Part(sequence, pass_.batch);
  const int64_t tokens = pass_.context_tokens + pass_.new_tokens;
  return {mine.first, (mine.lines * pass_.context_tokens + tokens - 1) / tokens};
}

Region SimulatedLayout::NewTokens(const Op& op, int64_t sequence) const {
  const Region mine = kv_entries_[static_cast<size_t>(*op.kv_entry)].Part(sequence, pass_.batch);
  const int64_t tokens = pass_.context_tokens + pass_.new_tokens;
  const int64_t begin = mine.lines * pass_.context_tokens / tokens;
  return {mine.first + begin, mine.lines - begin};
}

}  // namespace deepthin::costmodel

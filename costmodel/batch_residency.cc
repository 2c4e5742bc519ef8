#include "costmodel/batch_residency.h"

#include <algorithm>
#include <utility>

#include "costmodel/residency.h"

namespace deepthin::costmodel {
namespace {

// LRU: an access hits where its stack distance is at most the room.
class LruLevels {
 public:
  LruLevels(const BatchTrace& trace, const BatchRoom& room) : trace_(trace), room_(room) {}

  ServedBlocks Serve() {
    AddRepeats();
    if (!trace_.decode) {
      served_.weights[room_.levels] += trace_.n_blocks;
      served_.kv[room_.levels] = trace_.n_blocks * trace_.times;
      served_.lookup.level = served_.final_norm.level = served_.head.level = room_.levels;
      return served_;
    }
    // Between a token and the next: the rest of the unique bytes that a token touches.
    wrap_ =
        trace_.final_norm + trace_.head + trace_.logits + (trace_.tied ? Bytes(0) : trace_.lookup);
    const int64_t entries = trace_.n_blocks * (trace_.shared_kv ? 1 : trace_.times);
    const Bytes cycle = trace_.n_blocks * trace_.block + entries * trace_.kv_entry + wrap_;
    AddFirstExecutions();
    if (trace_.shared_kv) {
      served_.kv = served_.weights;
    } else {
      served_.kv[LevelOf(cycle)] = entries;
    }
    served_.final_norm = Whole(LevelOf(cycle), trace_.final_norm);
    served_.head = Whole(LevelOf(cycle), trace_.head);
    served_.lookup =
        Whole(trace_.tied ? LevelOf(trace_.head + trace_.logits) : room_.levels, trace_.lookup);
    return served_;
  }

 private:
  [[nodiscard]] size_t LevelOf(Bytes distance) const {
    size_t level = 0;
    while (level < room_.levels && distance > room_.room[level]) ++level;
    return level;
  }
  [[nodiscard]] Hit Whole(size_t level, Bytes bytes) const {
    return {level, level < room_.levels ? bytes : Bytes(0)};
  }
  void Add(int64_t executions, Bytes distance) { served_.weights[LevelOf(distance)] += executions; }

  // A prompt's keys and values flow through whether entries are shared or not.
  [[nodiscard]] bool OneEntryABlock() const { return trace_.decode && trace_.shared_kv; }

  // Executions that follow one of the same block in the same token.
  void AddRepeats() {
    const int64_t n = trace_.n_blocks;
    const int64_t repeats = trace_.times - 1;
    if (repeats == 0) return;
    switch (trace_.kind) {
      case RepeatKind::kImmediate:
        Add(n * repeats, trace_.block + trace_.kv_entry);
        break;
      case RepeatKind::kReverse:
        AddFolded(repeats, Bytes(0));
        break;
      default:
        Add(n * repeats, n * (trace_.block + trace_.kv_entry));
    }
  }

  // Executions that follow one of the token before.
  void AddFirstExecutions() {
    const int64_t n = trace_.n_blocks;
    const int64_t times = trace_.times;
    if (trace_.kind == RepeatKind::kReverse && times % 2 == 0) {
      AddFolded(1, wrap_);
      return;
    }
    int64_t entries = n;  // between, and at one of the two
    if (trace_.kind == RepeatKind::kImmediate && !trace_.shared_kv) entries = n * times - times + 1;
    Add(n, n * trace_.block + entries * trace_.kv_entry + wrap_);
  }

  // The stack there and back: the m'th block from the fold has m blocks between its two
  // executions, itself included, and 2 m - 1 entries, or m if they are shared. For each level the
  // largest m that hits.
  void AddFolded(int64_t folds, Bytes beside) {
    const Bytes each = trace_.block + (OneEntryABlock() ? 1 : 2) * trace_.kv_entry;
    const Bytes saved = OneEntryABlock() ? Bytes(0) : trace_.kv_entry;
    int64_t held = 0;
    for (size_t level = 0; level < room_.levels; ++level) {
      const Bytes room = room_.room[level] + saved - beside;
      if (room < each) continue;
      const int64_t hits = std::min(trace_.n_blocks, room.value() / each.value());
      if (hits <= held) continue;
      served_.weights[level] += folds * (hits - held);
      held = hits;
    }
    served_.weights[room_.levels] += folds * (trace_.n_blocks - held);
  }

  const BatchTrace& trace_;
  const BatchRoom& room_;
  Bytes wrap_;
  ServedBlocks served_;
};

// One pinned level takes objects by bytes saved per byte held, in the order of the trace among
// equals.
class PinnedLevel {
 public:
  PinnedLevel(const BatchTrace& trace, Bytes room) : trace_(trace), room_(room) {}

  ServedBlocks Serve() {
    const int64_t executed = trace_.n_blocks * trace_.times;
    if (!trace_.decode) {  // only repeats have been seen before
      served_.kv[kDram] = executed;
      served_.weights[kDram] = trace_.n_blocks;
      served_.lookup.level = served_.final_norm.level = served_.head.level = kDram;
      if (trace_.times > 1) TakeBlocks(trace_.times - 1);
      return served_;
    }
    const auto times = static_cast<double>(trace_.times);
    const double lookups = trace_.tied ? (static_cast<double>(trace_.lookup.value()) +
                                          static_cast<double>(trace_.head.value())) /
                                             static_cast<double>(trace_.head.value())
                                       : 1.0;
    const std::array saved = {times, 1.0, lookups, trace_.shared_kv ? times : 1.0};
    std::array<size_t, 4> order = {0, 1, 2, 3};
    for (size_t i = 1; i < order.size(); ++i) {  // by insertion: stable, and four only
      for (size_t j = i; j > 0 && saved[order[j]] > saved[order[j - 1]]; --j) {
        std::swap(order[j], order[j - 1]);
      }
    }
    for (const size_t what : order) Take(what);
    return served_;
  }

 private:
  static constexpr size_t kDram = 1;

  void Take(size_t what) {
    switch (what) {
      case 0:
        TakeBlocks(trace_.times);
        break;
      case 1:
        served_.final_norm = {0, TakeUpTo(trace_.final_norm)};
        break;
      case 2: {
        const Bytes held = TakeUpTo(trace_.head);
        served_.head = {0, held};
        served_.lookup = {0, trace_.tied ? HeldShare(trace_.lookup, held, trace_.head) : Bytes(0)};
        break;
      }
      default:
        TakeEntries();
    }
  }

  Bytes TakeUpTo(Bytes bytes) {
    const Bytes held = std::min(bytes, room_);
    room_ -= held;
    return held;
  }

  // executions: of each block.
  void TakeBlocks(int64_t executions) {
    const int64_t whole = std::min(trace_.n_blocks, room_.value() / trace_.block.value());
    room_ -= whole * trace_.block;
    served_.weights[0] += executions * whole;
    int64_t left = trace_.n_blocks - whole;
    if (left > 0 && room_ > Bytes(0)) {
      for (size_t i = 0; i < kTensorsOfABlock; ++i) {
        served_.split_tensors[i] = TakeUpTo(trace_.tensors[i]);
      }
      served_.split_weights = executions;
      --left;
    }
    served_.weights[kDram] += executions * left;
  }

  void TakeEntries() {
    const int64_t entries = trace_.n_blocks * (trace_.shared_kv ? 1 : trace_.times);
    const int64_t executions = trace_.shared_kv ? trace_.times : 1;
    const int64_t whole = std::min(entries, room_.value() / trace_.kv_entry.value());
    room_ -= whole * trace_.kv_entry;
    served_.kv[0] = executions * whole;
    int64_t left = entries - whole;
    if (left > 0 && room_ > Bytes(0)) {
      const Bytes held = TakeUpTo(trace_.kv_entry);
      served_.split_kv = executions;
      served_.split_kv_read = HeldShare(trace_.kv_read, held, trace_.kv_entry);
      served_.split_kv_written = HeldShare(trace_.kv_written, held, trace_.kv_entry);
      --left;
    }
    served_.kv[kDram] = executions * left;
  }

  const BatchTrace& trace_;
  Bytes room_;
  ServedBlocks served_;
};

}  // namespace

ServedBlocks ServeBlocks(const BatchTrace& trace, const BatchRoom& room) {
  if (room.pinned) return PinnedLevel(trace, room.room[0]).Serve();
  return LruLevels(trace, room).Serve();
}

}  // namespace deepthin::costmodel

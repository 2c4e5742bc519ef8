#include "costmodel/residency.h"

#include <algorithm>
#include <numeric>

namespace deepthin::costmodel {
namespace {

// True at each access whose object has been touched whole before: what a cold start can reuse.
std::vector<bool> SeenBefore(const AccessTrace& trace, Start start) {
  std::vector<bool> touched(trace.object_bytes.size(), start == Start::kSteady);
  std::vector<bool> seen(trace.accesses.size(), false);
  for (size_t i = 0; i < trace.accesses.size(); ++i) {
    const Access& access = trace.accesses[i];
    if (access.touch == Touch::kFlow) continue;
    const auto object = static_cast<size_t>(access.object);
    seen[i] = touched[object];
    if (access.touch == Touch::kWhole) touched[object] = true;
  }
  return seen;
}

// Objects in the order in which a pinned level takes them: by bytes saved per byte held, which is
// optimal where objects may be held in part (fractional knapsack).
std::vector<size_t> PinningOrder(const AccessTrace& trace, const std::vector<bool>& seen) {
  std::vector<double> saved(trace.object_bytes.size(), 0.0);
  for (size_t i = 0; i < trace.accesses.size(); ++i) {
    const Access& access = trace.accesses[i];
    if (seen[i])
      saved[static_cast<size_t>(access.object)] += static_cast<double>(access.bytes.value());
  }
  std::vector<size_t> order;
  for (size_t i = 0; i < saved.size(); ++i) {
    if (saved[i] <= 0) continue;
    saved[i] /= static_cast<double>(trace.object_bytes[i].value());
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return saved[a] > saved[b]; });
  return order;
}

// Bytes of each object that a pinned level of this capacity holds.
std::vector<Bytes> PinnedBytes(const AccessTrace& trace, const std::vector<size_t>& order,
                               Bytes capacity) {
  std::vector<Bytes> held(trace.object_bytes.size());
  for (const size_t object : order) {
    held[object] = std::min(trace.object_bytes[object], capacity);
    capacity -= held[object];
  }
  return held;
}

}  // namespace

// In double: a product of two sizes may overflow an integer.
Bytes HeldShare(Bytes access, Bytes held, Bytes object) {
  if (held == object) return access;
  if (access == object) return held;
  return Bytes(static_cast<int64_t>(static_cast<double>(access.value()) * (held / object)));
}

ServedBytes Serve(const AccessTrace& trace, Start start, Bytes reserved,
                  std::span<const OnChipLevel> levels) {
  const size_t n = trace.accesses.size();
  ServedBytes served(n, levels.size() + 1);
  // Bytes of each access that the levels up to the present one hold.
  std::vector<Bytes> held(n);
  std::vector<Bytes> distances;
  std::vector<bool> seen;
  std::vector<size_t> pinning_order;
  for (size_t l = 0; l < levels.size(); ++l) {
    const Bytes room = std::max(Bytes(0), levels[l].capacity - reserved);
    std::vector<Bytes> pinned;
    if (levels[l].replacement == Replacement::kLru) {
      if (distances.empty()) distances = StackDistances(trace, start);
    } else {
      if (seen.empty()) {
        seen = SeenBefore(trace, start);
        pinning_order = PinningOrder(trace, seen);
      }
      pinned = PinnedBytes(trace, pinning_order, room);
    }
    for (size_t i = 0; i < n; ++i) {
      const Access& access = trace.accesses[i];
      Bytes hit(0);
      if (levels[l].replacement == Replacement::kLru) {
        if (distances[i] <= room) hit = access.bytes;
      } else if (seen[i]) {
        const auto object = static_cast<size_t>(access.object);
        hit = HeldShare(access.bytes, pinned[object], trace.object_bytes[object]);
      }
      if (hit <= held[i]) continue;
      served.at(i, l) = hit - held[i];
      held[i] = hit;
    }
  }
  for (size_t i = 0; i < n; ++i) served.at(i, levels.size()) = trace.accesses[i].bytes - held[i];
  return served;
}

PassTrace TraceOf(const OpList& list) {
  using Operand = PassTrace::Role::Operand;
  PassTrace out;
  // With a context, the same sequence ran for the token before; a prompt comes after nothing.
  const bool decode = list.pass.context_tokens > 0;
  out.start = decode ? Start::kSteady : Start::kCold;
  out.trace.object_bytes = list.tensor_bytes;
  const auto first_entry = static_cast<int64_t>(list.tensor_bytes.size());
  out.trace.object_bytes.insert(out.trace.object_bytes.end(), list.kv_entry_bytes.begin(),
                                list.kv_entry_bytes.end());
  out.trace.accesses.reserve(list.ops.size());
  out.roles.reserve(list.ops.size());
  const auto add = [&](size_t op, Operand operand, Access access) {
    out.trace.accesses.push_back(access);
    out.roles.push_back({op, operand});
  };
  const std::optional<int64_t> head_tensor = list.ops.back().tensor;
  for (size_t i = 0; i < list.ops.size(); ++i) {
    const Op& op = list.ops[i];
    if (op.tensor) {
      // Rows of a table that the head streams are found where the head left them; others are new.
      const Touch touch = op.kind != OpKind::kEmbed  ? Touch::kWhole
                          : op.tensor == head_tensor ? Touch::kPart
                                                     : Touch::kFlow;
      add(i, Operand::kWeights, {*op.tensor, op.weights, touch});
    }
    if (op.kv_entry) {
      const int64_t entry = first_entry + *op.kv_entry;
      if (op.kv_written > Bytes(0)) {
        add(i, Operand::kKvWritten, {entry, op.kv_written, decode ? Touch::kPart : Touch::kFlow});
      }
      if (op.kv_read > Bytes(0)) add(i, Operand::kKvRead, {entry, op.kv_read, Touch::kWhole});
    }
    if (op.kind == OpKind::kHead) {
      add(i, Operand::kLogits, {0, op.activations_out, Touch::kFlow});
    }
  }
  return out;
}

Bytes SramNeededToBeFree(const ModelSpec& spec, const Precision& precision, int64_t context_tokens,
                         int64_t batch) {
  const OpList list = BuildOpList(
      spec, precision, {.new_tokens = 1, .context_tokens = context_tokens, .batch = batch});
  // From a cold start just the repeats within the token have a distance.
  const PassTrace pass = TraceOf(list);
  const std::vector<Bytes> distances = StackDistances(pass.trace, Start::kCold);
  Bytes needed(0);
  for (size_t i = 0; i < distances.size(); ++i) {
    if (distances[i] == kNeverTouched) continue;
    needed = std::max(needed, distances[i] + list.block_workspace);
  }
  return needed;
}

}  // namespace deepthin::costmodel

#include "costmodel/simulation_bound.h"

#include <algorithm>

#include "costmodel/pass_traffic.h"
#include "costmodel/simulate.h"

namespace deepthin::costmodel {
namespace {

// One LRU level before DRAM; bytes depend on nothing else.
SocSpec OneLevel(Bytes capacity) {
  MemoryLevel sram;
  sram.kind = LevelKind::kSram;
  sram.capacity.value = std::max(Bytes(1), capacity);
  SocSpec soc;
  soc.levels = {sram, MemoryLevel{}};
  return soc;
}

}  // namespace

Bytes ClosedDramBytes(const OpList& list, const SocSpec& soc) {
  const PassTraffic traffic = TrafficOf(list, soc);
  const size_t dram = DramLevel(soc);
  Bytes sum(0);
  for (size_t op = 0; op < list.ops.size(); ++op) {
    sum += traffic.read(op, dram) + traffic.written(op, dram);
  }
  return sum;
}

// Both hold a weight or a KV entry where what was touched since fits. The closed form counts that
// in bytes and reserves the whole workspace; the simulation in lines, of the activations that were
// really touched, and set by set, where a run of lines may put one line more into a set than
// into the next. So it cannot do worse than a smaller level, nor better than a larger one. Of
// activations the closed form says that they stay; true LRU may let all of them go.
SimulationBounds BoundsOfSimulation(const OpList& list, Bytes capacity, Bytes line, int64_t sets) {
  const int64_t batch = list.pass.batch;
  const int64_t rows = list.ops.front().rows;
  const auto objects = static_cast<int64_t>(list.tensor_bytes.size()) +
                       static_cast<int64_t>(list.kv_entry_bytes.size()) * batch;
  // Beside the objects: rows looked up, residual stream, arena, logits; in a set each may round up.
  const int64_t runs = objects + rows + 8;
  const bool fits = SimulatedWorkspace(list, line) <= capacity;
  // Where activations do not fit, the loop nests leave an eighth for double buffering.
  const Bytes margin =
      fits ? SimulatedWorkspace(list, line) - list.block_workspace : capacity / 8 + 16 * line;
  const Bytes smaller = capacity - (runs * sets * line + margin);
  const Bytes larger = capacity + (runs * sets * line + list.block_workspace);

  Bytes activations(0);
  Bytes rounding = 2 * rows * line;
  // Of a head whose logits do not fit the closed form says that every row reads it again; the
  // simulation, which cuts all operators as the block's, lets logits stream out.
  Bytes head_again(0);
  Bytes kept_to_the_end(0);  // a prompt's keys and values may still be on chip when it ends
  const PassTraffic traffic = TrafficOf(list, OneLevel(smaller));
  const PassTraffic roomy = TrafficOf(list, OneLevel(larger));
  for (size_t i = 0; i < list.ops.size(); ++i) {
    const Op& op = list.ops[i];
    if (op.kind == OpKind::kHead && op.live_activations > larger) {
      head_again = op.weights * (roomy.tiling(i).stationary_passes - 1) +
                   op.activations_in * roomy.tiling(i).activation_passes;
    }
    activations += op.activations_in + op.activations_out + op.kv_new;
    rounding += (8 + 4 * batch) * line;
    if (list.pass.context_tokens == 0) kept_to_the_end += op.kv_written;
    if (fits) continue;
    // Tiles share lines with their neighbours.
    const Tiling& tiling = traffic.tiling(i);
    rounding += (6 * rows * tiling.activation_passes + 6 * batch * tiling.stationary_passes) * line;
  }
  return {.low = ClosedDramBytes(list, OneLevel(larger)) - list.ops.front().weights -
                 kept_to_the_end - head_again - rounding,
          .high = ClosedDramBytes(list, OneLevel(smaller)) + activations + rounding};
}

}  // namespace deepthin::costmodel

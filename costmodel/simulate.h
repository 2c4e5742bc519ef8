// Simulate: the same pass as the closed form, run line by line through caches.
//
// Every tensor, KV entry and activation buffer has addresses; each operator is a loop nest over
// tiles that touches them in order; LRU memories (fully or set-associative) decide what hits; two
// tile buffers let a transfer overlap with the arithmetic on the tile before. It shares the list of
// operators with the closed form, and nothing that the closed form concludes from it: no stack
// distance, no reserved workspace, no formula of residency. docs/cost-model.md states how far the
// two may be apart.
//
//   SimulatedPass token = Simulate(BuildOpList(model, precision, {1, 1'024, 1}), soc, {});
//   token.dram_bytes();
#pragma once

#include <cstdint>
#include <vector>

#include "costmodel/memory_system.h"
#include "costmodel/op_list.h"
#include "spec/soc_spec.h"
#include "spec/units.h"

namespace deepthin::costmodel {

struct SimulationOptions {
  Bytes line = Bytes(4'096);  // what is moved at once: a tile of a DMA engine, or a cache line
  int64_t ways = 0;           // associativity of every on-chip level; 0: full
  int64_t warm_up = 2;        // passes run before the one that is reported; a prompt wants 0
  bool keep_tiles = false;    // in SimulatedOp::tiles: one for each piece of each operand
};

// One tile of an operator, in time from the operator's begin.
struct SimulatedTile {
  Seconds load_begin;
  Seconds load_end;
  Seconds compute_begin;
  Seconds compute_end;
  Bytes on_chip;  // read and written, over all SRAM levels
  Bytes dram;
};

struct SimulatedOp {
  Moved moved{0};
  Seconds compute_time;
  Seconds time;  // with double buffering, and the fixed cost of an operator
  std::vector<SimulatedTile> tiles{};
};

struct SimulatedPass {
  std::vector<SimulatedOp> ops;  // as in the OpList
  Moved moved{0};                // of all operators
  Seconds time;                  // with all fixed costs
  size_t dram = 0;               // index of the DRAM level

  [[nodiscard]] Bytes dram_bytes() const { return moved.read[dram] + moved.written[dram]; }
};

// The smallest capacity at which the simulated loop nests keep the pass's activations on chip:
// its workspace and what double buffering takes beside it.
[[nodiscard]] Bytes SimulatedWorkspace(const OpList& list, Bytes line);

// About as many lines as a simulation keeps books of and touches in one pass: what it costs in
// memory and time. Ask before, of a problem of unknown size.
[[nodiscard]] double SimulatedLines(const OpList& list, const SocSpec& soc, Bytes line);

// Throws InputError where the SoC has no rate for a matrix. REQUIRES: the SoC is valid, and the
// list's objects are fewer than 2^31 lines.
[[nodiscard]] SimulatedPass Simulate(const OpList& list, const SocSpec& soc,
                                     const SimulationOptions& options);

}  // namespace deepthin::costmodel

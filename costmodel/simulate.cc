#include "costmodel/simulate.h"

#include <algorithm>
#include <span>
#include <utility>

#include "costmodel/estimator.h"
#include "costmodel/pass_traffic.h"
#include "costmodel/simulated_layout.h"
#include "costmodel/tiling.h"

namespace deepthin::costmodel {
namespace {

using Charge = MemorySystem::Charge;

// Lines beside the activations: two tiles in flight, and buffers that start within a line.
int64_t MarginLines(int64_t lines) { return lines / 8 + 8; }

// When the tiles of an operator are loaded and computed, with two buffers: a tile's load waits for
// the load before it and for the buffer of the tile before that.
class DoubleBuffer {
 public:
  SimulatedTile Tile(Seconds load, Seconds compute) {
    SimulatedTile tile;
    tile.load_begin = std::max(load_end_, free_);
    free_ = compute_end_;
    tile.load_end = load_end_ = tile.load_begin + load;
    tile.compute_begin = std::max(load_end_, compute_end_);
    tile.compute_end = compute_end_ = tile.compute_begin + compute;
    return tile;
  }
  [[nodiscard]] Seconds end() const { return compute_end_; }

 private:
  Seconds load_end_;
  Seconds compute_end_;
  Seconds free_;  // the end of the last but one tile's arithmetic
};

class PassSimulator {
 public:
  PassSimulator(const OpList& list, const SocSpec& soc, const SimulationOptions& options)
      : list_(list),
        soc_(soc),
        options_(options),
        layout_(list, options.line),
        memory_(soc, options.line, options.ways, layout_.lines()) {
    for (size_t level = 0; level < DramLevel(soc); ++level) {
      on_chip_ = std::max(on_chip_, soc.levels[level].capacity.value);
    }
    fits_ = SimulatedWorkspace(list, options.line) <= on_chip_;
  }

  SimulatedPass Run() {
    SimulatedPass pass;
    pass.dram = DramLevel(soc_);
    for (run_ = 0; run_ <= options_.warm_up; ++run_) {
      pass.ops.clear();
      pass.moved = Moved(soc_.levels.size());
      pass.time = soc_.fixed.per_token.value;
      for (const Op& op : list_.ops) {
        pass.ops.push_back(RunOp(op));
        pass.moved += pass.ops.back().moved;
        pass.time += pass.ops.back().time;
        if (op.kind == OpKind::kAttnNorm) pass.time += soc_.fixed.per_executed_block.value;
      }
    }
    return pass;
  }

 private:
  SimulatedOp RunOp(const Op& op) {
    now_ = SimulatedOp{.moved = Moved(soc_.levels.size()), .compute_time = {}, .time = {}};
    buffers_ = DoubleBuffer();
    now_.compute_time = ComputeTime(soc_, op, list_.pass);
    for (int64_t sequence = 0; sequence < layout_.Sequences(op); ++sequence) {
      RunNest(op, layout_.NestOf(op, sequence, run_));
    }
    now_.time = buffers_.end() + soc_.fixed.per_operator.value;
    return std::move(now_);
  }

  void RunNest(const Op& op, const LoopNest& nest) {
    const Schedule schedule = ScheduleOf(op, nest);
    if (schedule.keeps_rows) {
      KeepRows(nest, schedule);
    } else {
      KeepWeights(nest, schedule);
    }
  }

  // How a nest is cut: into row tiles that stay while the stationary operand streams past in
  // pieces, or into pieces of the stationary operand that stay while single rows stream past.
  struct Schedule {
    bool keeps_rows = true;
    int64_t row_tiles = 1;
    int64_t pieces = 1;
  };

  [[nodiscard]] Schedule ScheduleOf(const Op& op, const LoopNest& nest) const {
    const int64_t lines = LinesOf(nest.stationary);
    const int64_t in_lines = LinesOf(nest.in);
    Schedule schedule;
    int64_t rows = nest.rows;
    if (!fits_ && op.kind != OpKind::kEmbed) {
      const Tiling tiling = SpilledTiling(nest);
      const bool all_rows = in_lines + LinesOf(nest.out) <= SpilledRoom();
      if (tiling.activation_passes > 1 || (tiling.stationary_passes == 1 && !all_rows)) {
        return {.keeps_rows = false, .row_tiles = nest.rows, .pieces = tiling.activation_passes};
      }
      schedule.row_tiles = tiling.stationary_passes;
      rows = (nest.rows + schedule.row_tiles - 1) / schedule.row_tiles;
    }
    // Rows of a tile are read again at each piece, so large tiles take large pieces, as far as the
    // margin has room for two. A single row stays in registers.
    const int64_t kept = in_lines * rows / nest.rows;
    const int64_t piece = rows == 1 ? 1 : std::max<int64_t>(1, kept / 32);
    schedule.pieces = std::max<int64_t>(1, (lines + piece - 1) / piece);
    return schedule;
  }

  // Lines that tiles may take where the activations do not fit.
  [[nodiscard]] int64_t SpilledRoom() const {
    const int64_t on_chip = on_chip_.value() / options_.line.value();
    return std::max<int64_t>(0, on_chip - MarginLines(on_chip));
  }

  [[nodiscard]] Tiling SpilledTiling(const LoopNest& nest) const {
    const Bytes line = options_.line;
    return ChooseTiling({.rows = nest.rows,
                         .stationary = LinesOf(nest.stationary) * line,
                         .activations_in = LinesOf(nest.in) * line,
                         .activations_out = LinesOf(nest.out) * line},
                        SpilledRoom() * line);
  }

  void KeepRows(const LoopNest& nest, const Schedule& schedule) {
    const bool in_registers = schedule.row_tiles == nest.rows;
    const double share = 1.0 / static_cast<double>(schedule.row_tiles * schedule.pieces);
    for (int64_t tile = 0; tile < schedule.row_tiles; ++tile) {
      for (int64_t piece = 0; piece < schedule.pieces; ++piece) {
        if (piece == 0) {
          Read(nest.in, tile, schedule.row_tiles, Charge::kAlways);
        } else if (!in_registers) {
          Read(nest.in, tile, schedule.row_tiles, Charge::kBeyondNearest);
        }
        ReadPiece(nest.stationary, piece, schedule.pieces, Charge::kAlways);
        for (const Region& out : nest.out) {
          const Region mine = out.Part(tile, schedule.row_tiles);
          if (!in_registers) {
            Write(mine.Part(piece, schedule.pieces));
          } else if (piece + 1 == schedule.pieces) {
            Write(mine);
          }
        }
        EndTile(share * nest.share);
      }
    }
  }

  void KeepWeights(const LoopNest& nest, const Schedule& schedule) {
    const double share = 1.0 / static_cast<double>(nest.rows * schedule.pieces);
    for (int64_t piece = 0; piece < schedule.pieces; ++piece) {
      for (int64_t row = 0; row < nest.rows; ++row) {
        Read(nest.in, row, nest.rows, Charge::kAlways);
        ReadPiece(nest.stationary, piece, schedule.pieces,
                  row == 0 ? Charge::kAlways : Charge::kBeyondNearest);
        for (const Region& out : nest.out) {
          Write(out.Part(row, nest.rows).Part(piece, schedule.pieces));
        }
        EndTile(share * nest.share);
      }
    }
  }

  // The rows of a tile: the same share of every region.
  void Read(std::span<const Region> regions, int64_t part, int64_t parts, Charge charge) {
    for (const Region& region : regions) {
      const Region mine = region.Part(part, parts);
      for (int64_t i = 0; i < mine.lines; ++i) memory_.Read(mine.first + i, charge);
    }
  }
  // A piece of all regions in a row, whole lines of it.
  void ReadPiece(std::span<const Region> regions, int64_t piece, int64_t pieces, Charge charge) {
    const int64_t lines = LinesOf(regions);
    int64_t skip = lines * piece / pieces;
    int64_t left = lines * (piece + 1) / pieces - skip;
    for (const Region& region : regions) {
      const int64_t count = std::clamp<int64_t>(region.lines - skip, 0, left);
      for (int64_t i = 0; i < count; ++i) memory_.Read(region.first + skip + i, charge);
      skip = std::max<int64_t>(0, skip - region.lines);
      left -= count;
    }
  }
  void Write(const Region& region) {
    for (int64_t i = 0; i < region.lines; ++i) memory_.Write(region.first + i);
  }

  // share: of the operator's arithmetic.
  void EndTile(double share) {
    const Moved moved = memory_.TakeMoved();
    Seconds load(0);
    for (size_t level = 0; level < soc_.levels.size(); ++level) {
      const MemoryLevel& l = soc_.levels[level];
      load = std::max(load, moved.read[level] / l.read_bandwidth.value +
                                moved.written[level] / l.write_bandwidth.value);
    }
    SimulatedTile tile = buffers_.Tile(load, share * now_.compute_time);
    now_.moved += moved;
    if (!options_.keep_tiles || run_ < options_.warm_up) return;
    for (size_t level = 0; level < soc_.levels.size(); ++level) {
      Bytes& side = soc_.levels[level].kind == LevelKind::kSram ? tile.on_chip : tile.dram;
      side += moved.read[level] + moved.written[level];
    }
    now_.tiles.push_back(tile);
  }

  const OpList& list_;
  const SocSpec& soc_;
  SimulationOptions options_;
  SimulatedLayout layout_;
  MemorySystem memory_;
  Bytes on_chip_;
  bool fits_ = false;
  int64_t run_ = 0;
  SimulatedOp now_;
  DoubleBuffer buffers_;
};

}  // namespace

Bytes SimulatedWorkspace(const OpList& list, Bytes line) {
  const int64_t lines = (list.block_workspace.value() + line.value() - 1) / line.value();
  return Bytes((lines + MarginLines(lines)) * line.value());
}

double SimulatedLines(const OpList& list, const SocSpec& soc, Bytes line) {
  Bytes largest(0);
  for (const MemoryLevel& level : soc.levels) {
    if (level.kind == LevelKind::kSram) largest = std::max(largest, level.capacity.value);
  }
  const bool fits = SimulatedWorkspace(list, line) <= largest;
  double lines = 0;
  for (const Bytes tensor : list.tensor_bytes) lines += tensor / line + 1;
  for (const Bytes entry : list.kv_entry_bytes) lines += entry / line + 1;
  for (const Op& op : list.ops) {
    // Where rows do not fit together, each may meet all of the other operand again.
    const auto passes = static_cast<double>(fits ? 1 : op.rows);
    lines += passes * ((op.weights + op.kv_read + op.kv_new) / line + 1) + op.kv_written / line +
             (op.activations_in + op.activations_out) / line;
  }
  return lines;
}

SimulatedPass Simulate(const OpList& list, const SocSpec& soc, const SimulationOptions& options) {
  return PassSimulator(list, soc, options).Run();
}

}  // namespace deepthin::costmodel

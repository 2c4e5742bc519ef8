#include "explorer/cli/simulation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "costmodel/estimator.h"
#include "explorer/cli/human.h"
#include "explorer/cli/table.h"
#include "explorer/cli/trace_events.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

// Some seconds of simulation, and tiles that fit in memory.
constexpr double kMostLines = 1 << 24;

// Drawn of each operator in each lane.
constexpr size_t kTilesShown = 16;

// Tracks of the timeline.
constexpr int64_t kOperatorTrack = 1;
constexpr int64_t kTransferTrack = 2;
constexpr int64_t kComputeTrack = 3;

struct KindSum {
  Bytes dram;
  Seconds time;
};

std::array<KindSum, costmodel::kOpKinds> ByKind(const TokenSimulation& token) {
  std::array<KindSum, costmodel::kOpKinds> sums;
  const auto& pass = token.simulated;
  for (size_t i = 0; i < pass.ops.size(); ++i) {
    KindSum& sum = sums[static_cast<size_t>(token.list.ops[i].kind)];
    sum.dram += pass.ops[i].moved.read[pass.dram] + pass.ops[i].moved.written[pass.dram];
    sum.time += pass.ops[i].time;
  }
  return sums;
}

// In percent of the closed form, which may be 0.
std::string Difference(double simulated, double closed) {
  if (closed == 0) return simulated == 0 ? "0" : "-";
  return fmt::format("{:+.2f} %", 100 * (simulated / closed - 1));
}

Bytes DramOf(const OperatorCost& op, size_t dram) {
  return op.traffic[dram].read + op.traffic[dram].written;
}

class Timeline {
 public:
  Timeline(const TokenSimulation& token, const ModelSpec& model)
      : token_(token), order_(ExecutionOrder(model)) {}

  Json Run(const std::string& title) {
    events_.NameProcess(title);
    events_.NameTrack(kOperatorTrack, "operators");
    events_.NameTrack(kTransferTrack, "transfer");
    events_.NameTrack(kComputeTrack, "compute");
    const FixedCosts& fixed = token_.soc.fixed;
    events_.Add({.name = fmt::format("token at {}", token_.list.pass.context_tokens),
                 .category = "pass",
                 .track = kOperatorTrack,
                 .begin_us = 0,
                 .duration_us = ToMicroseconds(token_.simulated.time)},
                {{"dram_bytes", token_.simulated.dram_bytes().value()}});
    now_ = fixed.per_token.value;
    for (size_t i = 0; i < token_.list.ops.size(); ++i) {
      if (token_.list.ops[i].kind == costmodel::OpKind::kAttnNorm) AddBlock(i);
      AddOperator(i);
    }
    return events_.Take();
  }

 private:
  static constexpr size_t kOpsOfABlock = 9;

  // Its fixed cost comes before its first operator.
  void AddBlock(size_t first) {
    Seconds time = token_.soc.fixed.per_executed_block.value;
    for (size_t i = first; i < first + kOpsOfABlock; ++i) time += token_.simulated.ops[i].time;
    events_.Add({.name = fmt::format("block {}", block_),
                 .category = "block",
                 .track = kOperatorTrack,
                 .begin_us = ToMicroseconds(now_),
                 .duration_us = ToMicroseconds(time)},
                {{"stored_block", order_[block_]}});
    ++block_;
    now_ += token_.soc.fixed.per_executed_block.value;
  }

  void AddOperator(size_t i) {
    const costmodel::SimulatedOp& op = token_.simulated.ops[i];
    const size_t dram = token_.simulated.dram;
    const std::string name(ToText(token_.list.ops[i].kind));
    events_.Add({.name = name,
                 .category = "operator",
                 .track = kOperatorTrack,
                 .begin_us = ToMicroseconds(now_),
                 .duration_us = ToMicroseconds(op.time)},
                {{"dram_bytes", (op.moved.read[dram] + op.moved.written[dram]).value()},
                 {"tiles", op.tiles.size()}});
    for (size_t k = 0; k < std::min(kTilesShown, op.tiles.size()); ++k) {
      const size_t shown = std::min(kTilesShown, op.tiles.size());
      AddTiles(name, op, k * op.tiles.size() / shown, (k + 1) * op.tiles.size() / shown);
    }
    now_ += op.time;
  }

  // Tiles [begin, end), which is not empty.
  void AddTiles(const std::string& name, const costmodel::SimulatedOp& op, size_t begin,
                size_t end) {
    Bytes on_chip;
    Bytes dram;
    Seconds loading;
    Seconds computing;
    for (size_t i = begin; i < end; ++i) {
      on_chip += op.tiles[i].on_chip;
      dram += op.tiles[i].dram;
      loading += op.tiles[i].load_end - op.tiles[i].load_begin;
      computing += op.tiles[i].compute_end - op.tiles[i].compute_begin;
    }
    const costmodel::SimulatedTile& first = op.tiles[begin];
    const costmodel::SimulatedTile& last = op.tiles[end - 1];
    const std::string which = begin + 1 == end ? fmt::format("{} {}", name, begin)
                                               : fmt::format("{} {}-{}", name, begin, end - 1);
    events_.Add({.name = which,
                 .category = "transfer",
                 .track = kTransferTrack,
                 .begin_us = ToMicroseconds(now_ + first.load_begin),
                 .duration_us = ToMicroseconds(last.load_end - first.load_begin)},
                {{"dram_bytes", dram.value()},
                 {"on_chip_bytes", on_chip.value()},
                 {"busy_us", ToMicroseconds(loading)}});
    if (computing == Seconds(0)) return;
    events_.Add({.name = which,
                 .category = "compute",
                 .track = kComputeTrack,
                 .begin_us = ToMicroseconds(now_ + first.compute_begin),
                 .duration_us = ToMicroseconds(last.compute_end - first.compute_begin)},
                {{"busy_us", ToMicroseconds(computing)}});
  }

  const TokenSimulation& token_;
  std::vector<int64_t> order_;
  TraceEvents events_;
  Seconds now_;
  size_t block_ = 0;
};

}  // namespace

TokenSimulation SimulateToken(const Problem& problem, Bytes line) {
  if (line < Bytes(64) || line > MiB(64)) {
    throw InputError({"command line", "--line"}, "is " + HumanCapacity(line),
                     "a size from 64 B to 64 MiB");
  }
  Problem lru = problem;
  size_t on_chip = 0;
  for (MemoryLevel& level : lru.soc.levels) {
    level.replacement = Replacement::kLru;
    if (level.kind == LevelKind::kSram) ++on_chip;
  }
  TokenSimulation token{.soc = lru.soc,
                        .line = line,
                        .list = {},
                        .closed = costmodel::Estimate(lru).decode,
                        .simulated = {},
                        .bounds = {}};
  token.list = costmodel::BuildOpList(problem.model, problem.precision,
                                      costmodel::DecodePass(problem.workload));
  const double lines = costmodel::SimulatedLines(token.list, lru.soc, line);
  if (lines > kMostLines) {
    throw InputError(
        {"command line", "--line"},
        fmt::format("is {}, and makes {:.3g} lines of a token", HumanCapacity(line), lines),
        fmt::format("at most {:.3g}, with longer lines", kMostLines));
  }
  token.simulated = costmodel::Simulate(token.list, lru.soc, {.line = line, .keep_tiles = true});
  if (on_chip == 1) {
    token.bounds =
        costmodel::BoundsOfSimulation(token.list, lru.soc.levels[0].capacity.value, line, 1);
  }
  return token;
}

std::string SimulationTable(const TokenSimulation& token) {
  Table table({{"one decoded token", Align::kLeft},
               {"DRAM MB, closed form"},
               {"simulated"},
               {"difference"},
               {"us, closed form"},
               {"simulated"},
               {"difference"}});
  const auto row = [&](const std::string& name, Bytes closed, Bytes simulated, Seconds closed_time,
                       Seconds time) {
    table.Row(
        {name, fmt::format("{:.3f}", ToMegabytes(closed)),
         fmt::format("{:.3f}", ToMegabytes(simulated)),
         Difference(static_cast<double>(simulated.value()), static_cast<double>(closed.value())),
         fmt::format("{:.1f}", ToMicroseconds(closed_time)),
         fmt::format("{:.1f}", ToMicroseconds(time)),
         Difference(time.value(), closed_time.value())});
  };
  const auto kinds = ByKind(token);
  for (size_t k = 0; k < kinds.size(); ++k) {
    const OperatorCost& closed = token.closed.operators[k];
    row(closed.name, DramOf(closed, token.simulated.dram), kinds[k].dram, closed.time,
        kinds[k].time);
  }
  row("all, with fixed costs", token.closed.dram_bytes, token.simulated.dram_bytes(),
      token.closed.time, token.simulated.time);
  std::string text = table.ToString();
  text += fmt::format("simulated in lines of {} through SRAM that keeps what was used last",
                      HumanCapacity(token.line));
  if (token.bounds) {
    return text + fmt::format("; the stated bound for it is {} to {}\n",
                              HumanBytes(std::max(Bytes(0), token.bounds->low)),
                              HumanBytes(token.bounds->high));
  }
  return text + "; a bound is stated for a single SRAM level only\n";
}

Json SimulationJson(const TokenSimulation& token) {
  Json operators = Json::array();
  const auto kinds = ByKind(token);
  for (size_t k = 0; k < kinds.size(); ++k) {
    const OperatorCost& closed = token.closed.operators[k];
    operators.push_back({{"name", closed.name},
                         {"closed_dram_bytes", DramOf(closed, token.simulated.dram).value()},
                         {"simulated_dram_bytes", kinds[k].dram.value()},
                         {"closed_time_s", closed.time.value()},
                         {"simulated_time_s", kinds[k].time.value()}});
  }
  Json json = {{"context_tokens", token.list.pass.context_tokens},
               {"line_bytes", token.line.value()},
               {"closed_dram_bytes", token.closed.dram_bytes.value()},
               {"simulated_dram_bytes", token.simulated.dram_bytes().value()},
               {"closed_time_s", token.closed.time.value()},
               {"simulated_time_s", token.simulated.time.value()},
               {"operators", std::move(operators)}};
  if (token.bounds) {
    json["bound_low_bytes"] = std::max(Bytes(0), token.bounds->low).value();
    json["bound_high_bytes"] = token.bounds->high.value();
  }
  return json;
}

Json SimulationTrace(const TokenSimulation& token, const ModelSpec& model,
                     const std::string& title) {
  return Timeline(token, model).Run(title);
}

}  // namespace deepthin::explorer

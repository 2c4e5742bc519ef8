#include "explorer/whatif/cliffs.h"

#include <algorithm>

#include "costmodel/residency.h"
#include "explorer/whatif/parameter.h"
#include "spec/model_spec.h"
#include "spec/precision.h"

namespace deepthin::explorer {
namespace {

struct Token {
  int64_t at = 0;
  Bytes beyond;
  Seconds time;
};

// A token with this capacity of the level.
Token WithCapacity(const Question& question, size_t level, int64_t capacity) {
  Question asked = question;
  Sourced<Bytes>& number = asked.problem.soc.levels[level].capacity;
  number = {.value = Bytes(capacity), .source = "user: what-if", .low = {}, .high = {}};
  const PhaseCost cost = DecodeOf(asked);
  Token token = {.at = capacity, .beyond = Bytes(0), .time = cost.time};
  for (const OperatorCost& op : cost.operators) {
    for (size_t i = level + 1; i < op.traffic.size(); ++i) {
      token.beyond += op.traffic[i].read + op.traffic[i].written;
    }
  }
  return token;
}

// The steps of a function that never rises, between two of its points, in order.
void FindSteps(const Question& question, size_t level, const Token& a, const Token& b,
               std::vector<Cliff>& out) {
  if (a.beyond == b.beyond) return;
  if (b.at == a.at + 1) {
    out.push_back({.at = b.at,
                   .bytes_before = a.beyond,
                   .bytes_after = b.beyond,
                   .time_before = a.time,
                   .time_after = b.time});
    return;
  }
  const Token middle = WithCapacity(question, level, a.at + (b.at - a.at) / 2);
  FindSteps(question, level, a, middle, out);
  FindSteps(question, level, middle, b, out);
}

Question AtContext(const Question& question, int64_t context) {
  Question asked = question;
  Apply(asked, {.knob = Knob::kContext, .name = "context", .numbers = {}},
        {.number = static_cast<double>(context), .text = {}});
  return asked;
}

struct Regime {
  int64_t context = 0;
  std::vector<int64_t> regime;
};

// Where the regime changes between two contexts, in order.
void FindChanges(const Question& question, const Regime& a, const Regime& b,
                 std::vector<int64_t>& out) {
  if (a.regime == b.regime) return;
  if (b.context == a.context + 1) {
    out.push_back(b.context);
    return;
  }
  const int64_t at = a.context + (b.context - a.context) / 2;
  const Regime middle = {at, DecodeRegime(AtContext(question, at))};
  FindChanges(question, a, middle, out);
  FindChanges(question, middle, b, out);
}

}  // namespace

std::vector<Cliff> CapacityCliffs(const Question& question, size_t level, Bytes low, Bytes high) {
  std::vector<Cliff> out;
  const bool lru = question.problem.soc.levels[level].replacement == Replacement::kLru;
  if (!lru || low >= high) return out;
  FindSteps(question, level, WithCapacity(question, level, low.value()),
            WithCapacity(question, level, high.value()), out);
  return out;
}

std::vector<int64_t> LinearFrom(const Question& question, int64_t low, int64_t high) {
  std::vector<int64_t> out;
  FindChanges(question, {low, DecodeRegime(AtContext(question, low))},
              {high, DecodeRegime(AtContext(question, high))}, out);
  return out;
}

std::vector<Cliff> ContextCliffs(const Question& question, int64_t low, int64_t high) {
  std::vector<Cliff> out;
  const Problem& problem = question.problem;
  // What one more token adds to a pass that finds no KV on chip: its own, once for each executed
  // block. A step that is larger is something that fell out.
  const Bytes step = KvBytesPerToken(problem.model, problem.precision) *
                     (problem.workload.batch * ExecutedBlocks(problem.model)) /
                     KvEntryCount(problem.model);
  for (const int64_t at : LinearFrom(question, low, high)) {
    const PhaseCost before = DecodeOf(AtContext(question, at - 1));
    const PhaseCost after = DecodeOf(AtContext(question, at));
    if (after.dram_bytes - before.dram_bytes <= step) continue;
    out.push_back({.at = at,
                   .bytes_before = before.dram_bytes,
                   .bytes_after = after.dram_bytes,
                   .time_before = before.time,
                   .time_after = after.time});
  }
  return out;
}

std::optional<Bytes> RepeatsFreeFrom(const Question& question) {
  const Problem& problem = question.problem;
  const Bytes needed = costmodel::SramNeededToBeFree(problem.model, problem.precision,
                                                     ContextOf(question), problem.workload.batch);
  if (needed == Bytes(0)) return std::nullopt;
  return needed;
}

}  // namespace deepthin::explorer

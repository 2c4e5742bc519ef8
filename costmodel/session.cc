#include "costmodel/session.h"

#include <algorithm>

#include "costmodel/pass_traffic.h"

namespace deepthin::costmodel {
namespace {

std::optional<double> PowerOf(const PhaseCost& phase) {
  if (!phase.energy || phase.time <= Seconds(0)) return std::nullopt;
  return phase.energy->value() / phase.time.value();
}

}  // namespace

SessionCost SessionOf(const Problem& problem, const CostEstimate& estimate) {
  const SocSpec& soc = problem.soc;
  SessionCost session;
  const MemoryLevel& dram = soc.levels[DramLevel(soc)];
  for (const MemoryLevel& level : soc.levels) {
    if (level.kind != LevelKind::kFlash || session.load) continue;
    // Reading and writing overlap: the slower of the two decides.
    session.load = std::max(estimate.weight_bytes / level.read_bandwidth.value,
                            estimate.weight_bytes / dram.write_bandwidth.value);
  }
  session.prefill_power = PowerOf(estimate.prefill);
  session.decode_power = PowerOf(estimate.decode);
  if (soc.init_per_stored_block) {
    session.init = static_cast<double>(problem.model.n_blocks) * soc.init_per_stored_block->value;
  }
  Seconds token_time = estimate.decode.time;
  if (soc.sustained) {
    token_time = token_time / soc.sustained->value.value();
    session.sustained_token = token_time;
  }
  const std::optional<Joules>& token = estimate.decode.energy;
  if (soc.battery && token && *token > Joules(0)) {
    session.tokens_of_a_charge = soc.battery->value / *token;
    session.battery = *session.tokens_of_a_charge * token_time;
  }
  return session;
}

}  // namespace deepthin::costmodel

#include "costmodel/generation.h"

#include <utility>

#include "costmodel/estimator.h"
#include "costmodel/pass_estimator.h"

namespace deepthin::costmodel {
namespace {

class Integrator {
 public:
  explicit Integrator(const Problem& problem) : problem_(problem) {}

  GenerationCost Run() {
    const Workload& work = problem_.workload;
    const int64_t first = work.prompt_tokens;
    const int64_t last = work.prompt_tokens + work.generated_tokens - 1;
    Between(At(first), At(last));
    return std::move(cost_);
  }

 private:
  struct Sample {
    int64_t context = 0;
    PassEstimate pass;
  };

  [[nodiscard]] Sample At(int64_t context) const {
    return {context, EstimatePass(problem_, {.new_tokens = 1,
                                             .context_tokens = context,
                                             .batch = problem_.workload.batch})};
  }

  // Adds the contexts from a to b, both included, in order.
  void Between(const Sample& a, const Sample& b) {
    if (a.pass.regime == b.pass.regime) {
      AddLinear(a, b);
    } else if (b.context == a.context + 1) {
      AddLinear(a, a);
      AddLinear(b, b);
    } else {
      const int64_t middle = a.context + (b.context - a.context) / 2;
      Between(a, At(middle));
      Between(At(middle + 1), b);
    }
  }

  void AddLinear(const Sample& a, const Sample& b) {
    const int64_t n = b.context - a.context + 1;
    const PhaseCost& first = a.pass.cost;
    const PhaseCost& last = b.pass.cost;
    cost_.time += 0.5 * static_cast<double>(n) * (first.time + last.time);
    cost_.dram_bytes += Bytes(n * (first.dram_bytes + last.dram_bytes).value() / 2);
    if (!first.energy || !last.energy) {
      energy_known_ = false;
    } else {
      energy_ += 0.5 * static_cast<double>(n) * (*first.energy + *last.energy);
    }
    cost_.energy = energy_known_ ? std::optional(energy_) : std::nullopt;
    if (!cost_.segments.empty() && last_regime_ == a.pass.regime) {
      cost_.segments.back().last_context = b.context;
      cost_.segments.back().last_time = last.time;
      cost_.segments.back().last_dram = last.dram_bytes;
      return;
    }
    cost_.segments.push_back({.first_context = a.context,
                              .last_context = b.context,
                              .first_time = first.time,
                              .last_time = last.time,
                              .first_dram = first.dram_bytes,
                              .last_dram = last.dram_bytes,
                              .limited_by = first.limited_by});
    last_regime_ = b.pass.regime;
  }

  const Problem& problem_;
  GenerationCost cost_;
  Joules energy_;
  bool energy_known_ = true;
  std::vector<int64_t> last_regime_;  // of the last segment
};

}  // namespace

GenerationCost EstimateGeneration(const Problem& problem) {
  Validate(problem);
  RequireCountable(problem);
  return Integrator(problem).Run();
}

}  // namespace deepthin::costmodel

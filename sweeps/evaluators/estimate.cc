#include "sweeps/evaluators/estimate.h"

#include "costmodel/estimator.h"

namespace deepthin::sweeps {
namespace {

Bytes DramCapacity(const SocSpec& soc) {
  for (const MemoryLevel& level : soc.levels) {
    if (level.kind == LevelKind::kDram) return level.capacity.value;
  }
  return Bytes(0);
}

// What an estimate depends on: not the sources and ranges of hardware numbers, nor their residuals, nor what
// no formula reads. A better source or a narrower range asks nothing again.
Json Question(const Problem& problem) {
  Json question = WithoutSources(ToJson(problem));
  question["soc"].erase("description");
  question["soc"].erase("battery_j");
  question["soc"].erase("residuals");
  return question;
}

class Estimating : public Evaluator {
 public:
  [[nodiscard]] std::string_view name() const override { return "estimate"; }

  [[nodiscard]] Json Identity(const Problem& problem) const override {
    return {{"evaluator", "estimate"},
            {"cost_model", costmodel::kModelName},
            {"version", costmodel::kModelVersion},
            {"problem", Question(problem)}};
  }

  [[nodiscard]] results::Outcome Evaluate(const Problem& problem) override {
    CostEstimate estimate = costmodel::Estimate(problem);
    if (estimate.fits_memory) return estimate;
    return results::Infeasible{
        .reason = "weights, KV cache and activations exceed the DRAM of " + problem.soc.name,
        .needed = estimate.peak_memory,
        .available = DramCapacity(problem.soc)};
  }
};

}  // namespace

std::unique_ptr<Evaluator> MakeEstimating(const Json& settings, const Where& where) {
  if (!settings.empty()) {
    throw InputError(where, "has the setting '" + settings.items().begin().key() + "'",
                     "none for estimate");
  }
  return std::make_unique<Estimating>();
}

}  // namespace deepthin::sweeps

#include "sweeps/evaluator_table.h"

#include "sweeps/evaluators/estimate.h"
#include "sweeps/evaluators/measure.h"

namespace deepthin::sweeps {

std::vector<EvaluatorEntry> BuiltinEvaluators() {
  return {
      {"estimate", "the analytical cost model on the problem's SoC",
       [](const Json& settings, const Where& where) { return MakeEstimating(settings, where); }},
      {"measure", "executes the model on this CPU (settings: threads, repeats, seed)",
       [](const Json& settings, const Where& where) { return MakeMeasuring(settings, where); }},
  };
}

std::vector<std::unique_ptr<Evaluator>> MakeEvaluators(const Sweep& sweep,
                                                       std::span<const EvaluatorEntry> table,
                                                       const std::string& file) {
  std::vector<std::unique_ptr<Evaluator>> out;
  for (size_t i = 0; i < sweep.evaluators.size(); ++i) {
    const EvaluatorRequest& request = sweep.evaluators[i];
    const Where where{file, "/evaluators/" + std::to_string(i)};
    for (const auto& earlier : out) {
      if (earlier->name() == request.name)
        throw InputError(where, "names '" + request.name + "' again", "each evaluator once");
    }
    std::string names;
    for (const EvaluatorEntry& entry : table) {
      if (entry.name == request.name) out.push_back(entry.make(request.settings, where));
      names += (names.empty() ? "" : ", ") + std::string(entry.name);
    }
    if (out.size() != i + 1) {
      throw InputError({file, where.place + "/name"}, "is '" + request.name + "'",
                       "one of " + names);
    }
  }
  return out;
}

}  // namespace deepthin::sweeps

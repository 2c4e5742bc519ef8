#include "explorer/choose.h"

#include <algorithm>
#include <cmath>

#include "explorer/pareto.h"

namespace deepthin::explorer {

bool IsWithin(const Budget& budget, const Candidate& candidate) {
  if (budget.soc && candidate.problem->soc.name != *budget.soc) return false;
  if (budget.params) {
    const auto params = static_cast<double>(CountParams(candidate.problem->model).matrices());
    const auto target = static_cast<double>(*budget.params);
    if (std::abs(params - target) > budget.params_tolerance * target) return false;
  }
  if (budget.decode && candidate.estimate->decode.time > *budget.decode) return false;
  if (budget.prefill && candidate.estimate->prefill.time > *budget.prefill) return false;
  return !budget.memory || candidate.estimate->peak_memory <= *budget.memory;
}

Choice Choose(const std::vector<Candidate>& candidates, const Budget& budget) {
  Choice choice;
  std::vector<const Candidate*> within;
  std::vector<std::vector<double>> objectives;
  for (const Candidate& candidate : candidates) {
    if (!candidate.problem || !candidate.score || !candidate.estimate) {
      ++choice.incomplete;
    } else if (!IsWithin(budget, candidate)) {
      ++choice.over_budget;
    } else {
      within.push_back(&candidate);
      objectives.push_back({candidate.estimate->decode.time.value(), -candidate.score->value});
    }
  }
  choice.considered = static_cast<int64_t>(within.size());
  for (const size_t i : ParetoFront(objectives)) choice.front.push_back(*within[i]);
  std::stable_sort(choice.front.begin(), choice.front.end(),
                   [](const Candidate& a, const Candidate& b) {
                     return a.estimate->decode.time < b.estimate->decode.time;
                   });
  return choice;
}

}  // namespace deepthin::explorer

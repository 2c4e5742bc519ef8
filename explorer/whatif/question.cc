#include "explorer/whatif/question.h"

#include <algorithm>

#include "costmodel/estimator.h"
#include "costmodel/pass_estimator.h"
#include "costmodel/pass_traffic.h"
#include "spec/precision.h"

namespace deepthin::explorer {
namespace {

costmodel::Pass DecodePass(const Question& question) {
  costmodel::Pass pass = costmodel::DecodePass(question.problem.workload);
  pass.context_tokens = ContextOf(question);
  return pass;
}

void RequireEstimable(const Question& question) {
  Validate(question.problem);
  if (!question.context || *question.context < question.problem.workload.prompt_tokens) {
    costmodel::RequireCountable(question.problem);
    return;
  }
  Problem longest = question.problem;
  longest.workload.prompt_tokens = *question.context;
  Validate(longest);
  costmodel::RequireCountable(longest);
}

}  // namespace

int64_t ContextOf(const Question& question) {
  return question.context.value_or(costmodel::MeanDecodeContext(question.problem.workload));
}

Answer Ask(const Question& question) {
  RequireEstimable(question);
  const Problem& problem = question.problem;
  const auto decode = costmodel::EstimatePass(problem, DecodePass(question));
  const auto prefill = costmodel::EstimatePass(problem, costmodel::PrefillPass(problem.workload));
  const Workload& work = problem.workload;
  const int64_t tokens =
      std::max(work.prompt_tokens + work.generated_tokens, ContextOf(question) + 1);
  Answer answer;
  answer.decode = decode.cost.time;
  answer.decode_dram = decode.cost.dram_bytes;
  answer.prefill = prefill.cost.time;
  answer.prefill_dram = prefill.cost.dram_bytes;
  answer.peak_memory = costmodel::PeakMemory(problem, tokens, prefill, decode);
  answer.fits_memory =
      answer.peak_memory <= problem.soc.levels[costmodel::DramLevel(problem.soc)].capacity.value;
  answer.decode_energy = decode.cost.energy;
  answer.limited_by = decode.cost.limited_by;
  return answer;
}

PhaseCost DecodeOf(const Question& question) {
  RequireEstimable(question);
  return costmodel::EstimatePass(question.problem, DecodePass(question)).cost;
}

PhaseCost PrefillOf(const Question& question) {
  RequireEstimable(question);
  return costmodel::EstimatePass(question.problem,
                                 costmodel::PrefillPass(question.problem.workload))
      .cost;
}

Seconds TimeOf(const Question& question, Metric metric) {
  return metric == Metric::kDecode ? DecodeOf(question).time : PrefillOf(question).time;
}

std::vector<int64_t> DecodeRegime(const Question& question) {
  RequireEstimable(question);
  return costmodel::EstimatePass(question.problem, DecodePass(question)).regime;
}

}  // namespace deepthin::explorer

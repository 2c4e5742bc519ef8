// Prints the parameters of a model, and says whether the cost model has a time for it.
#include <cstdio>

#include "costmodel/estimator.h"
#include "costmodel/soc_presets.h"
#include "spec/model_argument.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const deepthin::Problem problem{.model = deepthin::ModelFromArgument(argv[1]),
                                    .precision = {},
                                    .soc = deepthin::costmodel::SocFromArgument(argv[2]),
                                    .workload = {.prompt_tokens = 64, .generated_tokens = 64}};
    const deepthin::CostEstimate cost = deepthin::costmodel::Estimate(problem);
    std::printf("%lld %s\n", static_cast<long long>(deepthin::CountParams(problem.model).total()),
                cost.decode.time > deepthin::Seconds(0) ? "estimated" : "not estimated");
  } catch (const deepthin::InputError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  return 0;
}

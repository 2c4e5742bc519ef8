#include "explorer/model_source.h"

#include "runtime/checkpoint/llama2c.h"
#include "spec/errors.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {

bool IsCheckpoint(const std::string& argument) { return argument.ends_with(".bin"); }

runtime::Weights WeightsFromArgument(const std::string& argument,
                                     std::span<const std::string> settings, uint64_t seed,
                                     runtime::ThreadPool& pool) {
  if (!IsCheckpoint(argument))
    return runtime::RandomWeights(ModelFromArgument(argument, settings), seed, pool);
  if (!settings.empty()) {
    throw InputError({"command line", "--set"}, "changes a checkpoint's shape",
                     "--set with a preset or a JSON spec only");
  }
  return runtime::LoadLlama2c(argument);
}

}  // namespace deepthin::explorer

// Weights for what a user names: a checkpoint file, or a preset or JSON spec with random weights.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/thread_pool.h"
#include "runtime/weights.h"

namespace deepthin::explorer {

// "model.bin" is a llama2.c checkpoint; anything else is a ModelFromArgument with random weights of
// the seed. Throws InputError (also for settings on a checkpoint, whose shape is fixed) and
// EnvironmentError.
[[nodiscard]] runtime::Weights WeightsFromArgument(const std::string& argument,
                                                   std::span<const std::string> settings,
                                                   uint64_t seed, runtime::ThreadPool& pool);

[[nodiscard]] bool IsCheckpoint(const std::string& argument);

}  // namespace deepthin::explorer

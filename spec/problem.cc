#include "spec/problem.h"

#include <cstdio>

#include "spec/errors.h"

namespace deepthin {
namespace {

void RequireRange(int64_t value, int64_t low, int64_t high, const std::string& key,
                  const InputError::Where& root) {
  if (value >= low && value <= high) return;
  throw InputError({root.file, root.place + key}, "is " + std::to_string(value),
                   "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
}

// Of the whole workload: each executed matrix once per token, and attention over all tokens.
double MacsUpperBound(const ModelSpec& model, const Workload& workload) {
  const ParamCounts params = CountParams(model);
  const auto blocks = static_cast<double>(ExecutedBlocks(model));
  const double per_block = static_cast<double>(params.blocks) / static_cast<double>(model.n_blocks);
  const auto tokens = static_cast<double>(workload.prompt_tokens + workload.generated_tokens);
  const double attention = 2.0 * static_cast<double>(QueryDim(model)) * tokens;
  return static_cast<double>(workload.batch) * tokens *
         (blocks * (per_block + attention) + static_cast<double>(params.embedding));
}

// REQUIRES: the model is valid.
void ValidateTogether(const ModelSpec& model, const Workload& workload,
                      const InputError::Where& root) {
  Validate(workload, {root.file, root.place + "/workload"});
  const int64_t tokens = workload.prompt_tokens + workload.generated_tokens;
  if (tokens > model.max_seq_len) {
    throw InputError({root.file, root.place + "/workload"},
                     "asks for " + std::to_string(tokens) + " tokens of context",
                     "at most max_seq_len, which is " + std::to_string(model.max_seq_len));
  }
  // Each part of a ModelSpec is bounded; their product with a workload is bounded here, so that
  // counts of operations and bytes stay within 64 bits.
  constexpr double kMaxMacs = 0x1p56;
  if (const double macs = MacsUpperBound(model, workload); macs > kMaxMacs) {
    char text[80];
    std::snprintf(text, sizeof(text), "asks for up to %.1e multiply-accumulates", macs);
    throw InputError({root.file, root.place + "/workload"}, text, "at most 7.2e16");
  }
}

}  // namespace

void Validate(const Workload& workload, const InputError::Where& root) {
  RequireRange(workload.prompt_tokens, 1, 1 << 24, "/prompt_tokens", root);
  RequireRange(workload.generated_tokens, 1, 1 << 24, "/generated_tokens", root);
  RequireRange(workload.batch, 1, 1 << 16, "/batch", root);
}

void Validate(const Problem& problem, const InputError::Where& root) {
  Validate(problem.model, {root.file, root.place + "/model"});
  Validate(problem.soc, {root.file, root.place + "/soc"});
  ValidateTogether(problem.model, problem.workload, root);
}

void ValidateWithoutSoc(const ModelSpec& model, const Workload& workload,
                        const InputError::Where& root) {
  Validate(model, {root.file, root.place + "/model"});
  ValidateTogether(model, workload, root);
}

}  // namespace deepthin

#include "spec/problem.h"

#include "spec/errors.h"

namespace deepthin {
namespace {

void RequireRange(int64_t value, int64_t low, int64_t high, const std::string& key,
                  const InputError::Where& root) {
  if (value >= low && value <= high) return;
  throw InputError({root.file, root.place + key}, "is " + std::to_string(value),
                   "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
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
  Validate(problem.workload, {root.file, root.place + "/workload"});
  const int64_t tokens = problem.workload.prompt_tokens + problem.workload.generated_tokens;
  if (tokens > problem.model.max_seq_len) {
    throw InputError({root.file, root.place + "/workload"},
                     "asks for " + std::to_string(tokens) + " tokens of context",
                     "at most max_seq_len, which is " + std::to_string(problem.model.max_seq_len));
  }
}

}  // namespace deepthin

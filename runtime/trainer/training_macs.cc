#include "runtime/trainer/training_macs.h"

namespace deepthin::runtime {

double TrainingMacsPerToken(const ModelSpec& spec, int64_t length) {
  const auto executed = static_cast<double>(ExecutedBlocks(spec));
  const double block =
      static_cast<double>(CountParams(spec).blocks) / static_cast<double>(spec.n_blocks);
  const double seen = (static_cast<double>(length) + 1) / 2;  // positions, on average
  const double attention = 2 * static_cast<double>(QueryDim(spec)) * seen;
  const auto head = static_cast<double>(spec.vocab_size * spec.d_model);
  return 3 * (executed * (block + attention) + head);
}

}  // namespace deepthin::runtime

// decode_tokens MODEL PRECISION TOKENS: decodes so many tokens with random weights on one thread.
// What cachegrind_test counts the cache lines of.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "runtime/decoder.h"
#include "runtime/thread_pool.h"
#include "runtime/weights.h"
#include "spec/errors.h"
#include "spec/model_argument.h"

int main(int argc, char** argv) {
  using namespace deepthin;
  DEEPTHIN_CHECK(argc == 4);
  const ModelSpec spec = ModelFromArgument(argv[1]);
  const int64_t tokens = std::atoll(argv[3]);
  runtime::ThreadPool pool(1);
  const runtime::Weights weights =
      runtime::RandomWeights(spec, 1, pool, PrecisionFromArgument(argv[2]));
  runtime::Decoder decoder(weights, pool, spec.max_seq_len);
  for (int64_t i = 0; i < tokens; ++i) {
    const std::array token = {static_cast<int32_t>(i % spec.vocab_size)};
    static_cast<void>(decoder.Forward(token, runtime::Logits::kLast));
  }
  return 0;
}

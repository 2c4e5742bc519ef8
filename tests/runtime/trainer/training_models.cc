#include "tests/runtime/trainer/training_models.h"

#include <rapidcheck.h>

#include <random>

#include "tests/runtime/test_models.h"

namespace deepthin::runtime {

ModelSpec DrawTrainableSpec() {
  ModelSpec spec = DrawSpec();
  spec.kv_policy = KvPolicy::kPerOccurrence;
  return spec;
}

BatchShape DrawShape(int64_t sequences, int64_t length) {
  return {.sequences = *rc::gen::inRange<int64_t>(1, sequences + 1),
          .length = *rc::gen::inRange<int64_t>(1, length + 1)};
}

std::vector<int32_t> RandomBatch(const ModelSpec& spec, const BatchShape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> batch(static_cast<size_t>(shape.tokens()));
  for (int32_t& token : batch) {
    token = static_cast<int32_t>(random() % static_cast<uint32_t>(spec.vocab_size));
  }
  return batch;
}

template <class T>
std::vector<T> SmallParameters(const ModelSpec& spec, uint32_t seed) {
  const ParameterLayout layout = LayOutParameters(spec);
  std::vector<T> parameters(static_cast<size_t>(layout.count));
  ReadWeights<T>(SmallWeights(spec, seed), layout, parameters);
  return parameters;
}
template std::vector<float> SmallParameters<float>(const ModelSpec&, uint32_t);
template std::vector<double> SmallParameters<double>(const ModelSpec&, uint32_t);

}  // namespace deepthin::runtime

// The trainer's loss against the decoder in double precision of the tests, which shares no code
// with it; f32 against f64; threads against one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

#include "runtime/trainer/backpropagation.h"
#include "spec/errors.h"
#include "spec/json_io.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/reference_decoder.h"
#include "tests/runtime/test_models.h"
#include "tests/runtime/trainer/training_models.h"

namespace deepthin::runtime {
namespace {

struct ReferenceLoss {
  double loss = 0;
  double tolerance = 0;  // of f32
};

double NegativeLogProbability(const std::vector<double>& logits, int32_t token) {
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit - logits[0]);
  return logits[0] + std::log(sum) - logits[static_cast<size_t>(token)];
}

// A logit that is off by e changes -log(probability) by at most 2 e: its derivatives by the logits
// are softmax - 1 and softmax, whose magnitudes sum to less than 2.
ReferenceLoss LossOfTheReference(const Weights& weights, const BatchShape& shape,
                                 const std::vector<int32_t>& batch) {
  ReferenceLoss out;
  const auto n = static_cast<double>(shape.predicted());
  for (int64_t s = 0; s < shape.sequences; ++s) {
    const int32_t* sequence = batch.data() + s * (shape.length + 1);
    ReferenceDecoder reference(weights);
    for (int64_t t = 0; t < shape.length; ++t) {
      out.loss += NegativeLogProbability(reference.Step(sequence[t]), sequence[t + 1]) / n;
      out.tolerance += 2 * reference.Tolerance() / n;
    }
  }
  return out;
}

// 100 models.
RC_GTEST_PROP(TrainingLossProperty, IsThatOfTheReferenceDecoder, ()) {
  const ModelSpec spec = DrawTrainableSpec();
  const BatchShape shape = DrawShape(2, 12);
  const auto seed = *rc::gen::arbitrary<uint32_t>();
  const std::vector<int32_t> batch = RandomBatch(spec, shape, seed);
  RC_LOG() << ToJson(spec).dump() << "\n";
  const ReferenceLoss expected = LossOfTheReference(SmallWeights(spec, seed), shape, batch);
  ThreadPool pool(*rc::gen::inRange(1, 4));
  Backpropagation<double> exact(spec, shape, pool);
  const double loss = exact.Loss(SmallParameters<double>(spec, seed), batch);
  RC_ASSERT(std::abs(loss - expected.loss) <= 1e-10 * (1 + expected.loss));
  Backpropagation<float> in_f32(spec, shape, pool);
  const double loss_f32 = in_f32.Loss(SmallParameters<float>(spec, seed), batch);
  RC_ASSERT(std::abs(loss_f32 - expected.loss) <= expected.tolerance + 1e-6 * expected.loss);
}

double Norm(const std::vector<double>& x) {
  double squares = 0;
  for (const double v : x) squares += v * v;
  return std::sqrt(squares);
}

// The norm of the difference, as a share of the norm. Of 4,096 terms a sum in f32 is off by
// some 1e-4 of its terms' magnitude at most; a wrong term by orders of magnitude more.
RC_GTEST_PROP(TrainingLossProperty, F32GradientsAgreeWithF64AndEveryNumberOfThreadsGivesTheSame,
              ()) {
  const ModelSpec spec = DrawTrainableSpec();
  const BatchShape shape = DrawShape(3, 90);
  const auto seed = *rc::gen::arbitrary<uint32_t>();
  const std::vector<int32_t> batch = RandomBatch(spec, shape, seed);
  RC_LOG() << ToJson(spec).dump() << " " << shape.sequences << " x " << shape.length << "\n";
  const auto p = SmallParameters<float>(spec, seed);
  std::vector<float> gradient(p.size());
  ThreadPool one(1);
  Backpropagation<float> on_one(spec, shape, one);
  const double loss = on_one.LossAndGradient(p, batch, gradient);

  std::vector<float> again(p.size());
  ThreadPool several(*rc::gen::inRange(2, 5));
  Backpropagation<float> on_several(spec, shape, several);
  RC_ASSERT(on_several.LossAndGradient(p, batch, again) == loss);
  RC_ASSERT(again == gradient);

  std::vector<double> exact(p.size());
  Backpropagation<double> in_f64(spec, shape, several);
  RC_ASSERT(
      std::isfinite(in_f64.LossAndGradient(SmallParameters<double>(spec, seed), batch, exact)));
  std::vector<double> error = exact;
  for (size_t i = 0; i < error.size(); ++i) error[i] -= static_cast<double>(gradient[i]);
  RC_ASSERT(Norm(error) <= 1e-3 * Norm(exact));
}

TEST(RequireTrainableTest, RefusesSharedKvEntriesOfRepeatedBlocksAlone) {
  ModelSpec spec = SmallSpec();
  spec.kv_policy = KvPolicy::kShared;
  RequireTrainable(spec);  // without repeats the policies are one
  spec.repeat = {.kind = RepeatKind::kRepeatAll, .times = 2, .order = {}};
  EXPECT_THAT(ErrorText<InputError>([&] { RequireTrainable(spec); }),
              testing::HasSubstr("/kv_policy: is shared in a model that repeats blocks; expected "
                                 "per_occurrence for training"));
  ThreadPool pool(1);
  spec.kv_policy = KvPolicy::kPerOccurrence;
  spec.max_seq_len = 8;
  EXPECT_THAT(ErrorText<InputError>(
                  [&] { Backpropagation<float>(spec, {.sequences = 1, .length = 9}, pool); }),
              testing::HasSubstr("/max_seq_len: is 8; expected at least the 9 tokens"));
}

}  // namespace
}  // namespace deepthin::runtime

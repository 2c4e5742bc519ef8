// Whole runs: a tiny model learns a text by heart, and the decoder says the same of what it
// learned.
#include "runtime/trainer/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "runtime/decoder.h"
#include "runtime/text/perplexity.h"
#include "spec/errors.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

using testing::HasSubstr;

ModelSpec TinySpec() {
  return {.vocab_size = 8,
          .d_model = 32,
          .n_blocks = 2,
          .n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = 8,
          .d_ff = 48,
          .max_seq_len = 64};
}

// "abacabac...": after an a, b and c come in turn.
std::vector<int32_t> Text(size_t size) {
  constexpr int32_t kPeriod[] = {3, 5, 3, 7};
  std::vector<int32_t> text(size);
  for (size_t i = 0; i < size; ++i) text[i] = kPeriod[i % std::size(kPeriod)];
  return text;
}

constexpr int64_t kLength = 16;

TrainingOptions TinyOptions(int64_t steps) {
  return {.shape = {.sequences = 8, .length = kLength},
          .rate = {.steps = steps, .warmup_steps = 10, .peak = 0.01},
          .parametrisation = Parametrisation::kStandard};
}

// A window from each phase of the period.
std::vector<int32_t> EveryPhase(const TrainingOptions& options) {
  const std::vector<int32_t> text = Text(64);
  std::vector<int32_t> batch;
  for (int64_t s = 0; s < options.shape.sequences; ++s) {
    batch.insert(batch.end(), text.begin() + s, text.begin() + s + kLength + 1);
  }
  return batch;
}

// Only the first token of a window leaves something open: half of the windows begin with an a,
// which b and c follow equally often, so that no model is below ln 2 / 2 there (Gibbs' inequality),
// and from then on all is known. One that knew only the token before would not be below ln 2 / 2
// anywhere.
constexpr double kLeastLoss = std::numbers::ln2 / 2 / kLength;

void Train(Trainer& trainer, const TrainingOptions& options, const std::vector<int32_t>& text,
           uint64_t seed) {
  const BatchSampler batches(text, options.shape, seed);
  while (trainer.step() < options.rate.steps) {
    ASSERT_FALSE(trainer.Step(batches.At(trainer.step())).diverged);
  }
}

double LossOfTheDecoder(const Weights& weights, ThreadPool& pool, const TrainingOptions& options,
                        const std::vector<int32_t>& batch) {
  Decoder decoder(weights, pool, options.shape.length);
  std::vector<std::vector<double>> nlls;
  const auto tokens = static_cast<size_t>(options.shape.length) + 1;
  for (size_t begin = 0; begin < batch.size(); begin += tokens) {
    nlls.push_back(TokenNlls(decoder, pool, std::span(batch).subspan(begin, tokens)));
  }
  return SummarizeNlls(nlls).nll_per_token;
}

struct Variant {
  std::string name;
  ModelSpec spec;
};

std::vector<Variant> Variants() {
  std::vector<Variant> variants = {{"tied", TinySpec()},     {"untied", TinySpec()},
                                   {"gelu", TinySpec()},     {"relu", TinySpec()},
                                   {"repeated", TinySpec()}, {"mqa", TinySpec()}};
  variants[1].spec.tie_embeddings = false;
  variants[2].spec.ffn = Ffn::kGelu;
  variants[3].spec.ffn = Ffn::kRelu;
  variants[4].spec.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  variants[5].spec.n_kv_heads = 1;
  return variants;
}

class LearnsByHeart : public testing::TestWithParam<size_t> {};

TEST_P(LearnsByHeart, ARepeatedSequenceAndTheDecoderAgrees) {
  const TrainingOptions options = TinyOptions(200);
  ThreadPool pool(2);
  const Variant variant = Variants()[GetParam()];
  SCOPED_TRACE(variant.name);
  Trainer trainer(RandomWeights(variant.spec, 1, pool), options, pool);
  const std::vector<int32_t> probe = EveryPhase(options);
  EXPECT_GT(trainer.Loss(probe), 1);
  EXPECT_NEAR(trainer.Loss(probe), LossOfTheDecoder(trainer.Copy(), pool, options, probe), 1e-5);
  Train(trainer, options, Text(1000), 2);
  const double loss = trainer.Loss(probe);
  EXPECT_GE(loss, kLeastLoss * (1 - 1e-4));
  EXPECT_LE(loss, kLeastLoss * 1.5);
  EXPECT_NEAR(loss, LossOfTheDecoder(trainer.Copy(), pool, options, probe), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Models, LearnsByHeart, testing::Range<size_t>(0, Variants().size()),
                         [](const auto& variant) { return Variants()[variant.param].name; });

class PrecisionTest : public testing::TestWithParam<ProductPrecision> {
 protected:
  void SetUp() override {
    if (!IsSupported(GetParam())) GTEST_SKIP() << "not on this CPU";
  }
};

TEST_P(PrecisionTest, ARunIsTheSameBitsForEveryNumberOfThreads) {
  TrainingOptions options = TinyOptions(12);
  options.precision = GetParam();
  ThreadPool one(1);
  ThreadPool three(3);
  Trainer a(RandomWeights(TinySpec(), 1, one), options, one);
  Trainer b(RandomWeights(TinySpec(), 1, three), options, three);
  Train(a, options, Text(1000), 2);
  Train(b, options, Text(1000), 2);
  EXPECT_TRUE(std::ranges::equal(a.parameters(), b.parameters()));
}

TEST_P(PrecisionTest, ARunThatStopsGoesOnToTheSameBits) {
  TrainingOptions options = TinyOptions(12);
  options.precision = GetParam();
  ThreadPool pool(2);
  Trainer whole(RandomWeights(TinySpec(), 1, pool), options, pool);
  Trainer half(RandomWeights(TinySpec(), 1, pool), options, pool);
  const std::vector<int32_t> text = Text(1000);
  const BatchSampler batches(text, options.shape, 2);
  while (half.step() < 5) half.Step(batches.At(half.step()));
  const std::string path =
      testing::TempDir() + "/half_" + std::string(ToText(GetParam())) + ".train";
  half.Save(path);
  Trainer rest = Trainer::Resume(path, pool);
  EXPECT_EQ(rest.options(), options);
  Train(whole, options, text, 2);
  Train(rest, options, text, 2);
  EXPECT_TRUE(std::ranges::equal(whole.parameters(), rest.parameters()));
}

INSTANTIATE_TEST_SUITE_P(Both, PrecisionTest,
                         testing::Values(ProductPrecision::kF32, ProductPrecision::kBf16),
                         [](const auto& one) { return std::string(ToText(one.param)); });

// The weights are f32: their small steps are not lost to rounding.
TEST(TrainerTest, LearnsByHeartInBf16) {
  TrainingOptions options = TinyOptions(200);
  options.precision = ProductPrecision::kBf16;
  if (!IsSupported(options.precision)) {
    EXPECT_THAT(ErrorText<InputError>([&] { Validate(options); }),
                HasSubstr("precision: is bf16; expected f32"));
    GTEST_SKIP() << "not on this CPU";
  }
  ThreadPool pool(2);
  Trainer trainer(RandomWeights(TinySpec(), 1, pool), options, pool);
  const std::vector<int32_t> probe = EveryPhase(options);
  // Near what f32 says, and not the same: it is bf16.
  const double exact = LossOfTheDecoder(trainer.Copy(), pool, options, probe);
  EXPECT_NEAR(trainer.Loss(probe), exact, 0.01);
  EXPECT_NE(trainer.Loss(probe), exact);
  Train(trainer, options, Text(1000), 2);
  EXPECT_LE(LossOfTheDecoder(trainer.Copy(), pool, options, probe), kLeastLoss * 1.5);
}

TEST(TrainerTest, SaysThatItDivergedAndKeepsItsWeights) {
  TrainingOptions options = TinyOptions(100);
  options.rate = {.steps = 100, .warmup_steps = 0, .peak = 1e30};
  ThreadPool pool(1);
  Trainer trainer(RandomWeights(TinySpec(), 1, pool), options, pool);
  const std::vector<int32_t> batch = EveryPhase(options);
  while (!trainer.Step(batch).diverged) ASSERT_LT(trainer.step(), 100);
  const Weights before = trainer.Copy();
  EXPECT_TRUE(trainer.Step(batch).diverged);
  const Weights after = trainer.Copy();
  EXPECT_TRUE(std::ranges::equal(F32Values(before.embedding), F32Values(after.embedding)));
}

TEST(TrainerTest, RefusesOptionsOutOfRange) {
  const auto error = [](void (*change)(TrainingOptions&)) {
    TrainingOptions options = TinyOptions(10);
    change(options);
    return ErrorText<InputError>([&] { Validate(options); });
  };
  EXPECT_EQ(error([](TrainingOptions&) {}), "");
  EXPECT_THAT(error([](TrainingOptions& o) { o.rate.steps = 0; }), HasSubstr("steps: is 0"));
  EXPECT_THAT(error([](TrainingOptions& o) { o.rate.warmup_steps = 11; }),
              HasSubstr("warmup_steps: is 11; expected from 0"));
  EXPECT_THAT(error([](TrainingOptions& o) { o.rate.peak = NAN; }), HasSubstr("peak: is nan"));
  EXPECT_THAT(error([](TrainingOptions& o) { o.clip_norm = 0; }), HasSubstr("clip_norm: is 0"));
  EXPECT_THAT(error([](TrainingOptions& o) { o.adamw.beta2 = 1; }), HasSubstr("beta2: is 1"));
  EXPECT_THAT(error([](TrainingOptions& o) { o.shape.length = 0; }), HasSubstr("length: is 0"));
}

TEST(BatchSamplerTest, WindowsDependOnSeedAndStepAlone) {
  std::vector<int32_t> text(50);
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<int32_t>(i);
  const BatchShape shape = {.sequences = 4, .length = 6};
  const BatchSampler batches(text, shape, 9);
  EXPECT_EQ(batches.At(3), BatchSampler(text, shape, 9).At(3));
  EXPECT_NE(batches.At(3), batches.At(4));
  EXPECT_NE(batches.At(3), BatchSampler(text, shape, 10).At(3));
  std::vector<bool> seen(text.size());
  for (int64_t step = 0; step < 200; ++step) {
    const std::vector<int32_t> batch = batches.At(step);
    ASSERT_EQ(static_cast<int64_t>(batch.size()), shape.tokens());
    for (size_t i = 0; i < batch.size(); ++i) {
      seen[static_cast<size_t>(batch[i])] = true;
      if (i % 7 > 0) {
        ASSERT_EQ(batch[i], batch[i - 1] + 1);
      }
    }
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0);
  EXPECT_THAT(ErrorText<InputError>([&] { BatchSampler(std::span(text).first(6), shape, 1); }),
              HasSubstr("text: has 6 tokens; expected from 7 tokens"));
}

}  // namespace
}  // namespace deepthin::runtime

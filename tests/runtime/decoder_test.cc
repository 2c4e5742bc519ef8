// The decoder against the textbook in double precision, over random models of every kind.
#include "runtime/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/kernels/kernels.h"
#include "spec/json_io.h"
#include "spec/precision.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/reference_decoder.h"
#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

using Tokens = std::vector<int32_t>;

struct Expected {
  std::vector<std::vector<double>> logits;  // [token][vocab_size]
  std::vector<double> tolerance;            // [token]
};

Expected InDoublePrecision(const Weights& weights, const Tokens& tokens, Dtype kv = Dtype::kF32) {
  ReferenceDecoder reference(weights, kv);
  Expected expected;
  for (const int32_t token : tokens) {
    expected.logits.push_back(reference.Step(token));
    expected.tolerance.push_back(reference.Tolerance());
  }
  return expected;
}

// The largest error of these logits in units of the tolerance.
double WorstError(std::span<const float> logits, const Expected& expected, size_t first_token) {
  double worst = 0;
  const size_t vocab = expected.logits.front().size();
  for (size_t i = 0; i < logits.size(); ++i) {
    const size_t token = first_token + i / vocab;
    const double error =
        std::abs(static_cast<double>(logits[i]) - expected.logits[token][i % vocab]);
    // Not max(): a NaN has to show.
    if (!(error / expected.tolerance[token] <= worst)) worst = error / expected.tolerance[token];
  }
  return worst;
}

// Feeds the tokens in calls of these sizes and returns the largest error in units of the tolerance.
double WorstErrorOfSplit(const Weights& weights, ThreadPool& pool, const Tokens& tokens,
                         const std::vector<size_t>& split, Logits which, const Expected& expected,
                         Dtype kv = Dtype::kF32) {
  Decoder decoder(weights, pool, static_cast<int64_t>(tokens.size()), kv);
  const auto vocab = static_cast<size_t>(weights.spec.vocab_size);
  double worst = 0;
  size_t at = 0;
  for (const size_t size : split) {
    const auto logits = decoder.Forward(std::span(tokens).subspan(at, size), which);
    EXPECT_EQ(logits.size(), (which == Logits::kAll ? size : 1) * vocab);
    const size_t first = which == Logits::kAll ? at : at + size - 1;
    worst = std::max(worst, WorstError(logits, expected, first));
    at += size;
    EXPECT_EQ(decoder.position(), static_cast<int64_t>(at));
  }
  return worst;
}

std::vector<size_t> DrawSplit(size_t count) {
  std::vector<size_t> split;
  while (count > 0) {
    split.push_back(*rc::gen::inRange<size_t>(1, count + 1));
    count -= split.back();
  }
  return split;
}

void CheckAgainstDoublePrecision(const ModelSpec& spec) {
  const Weights weights = SmallWeights(spec, *rc::gen::arbitrary<uint32_t>());
  const Tokens tokens = DrawTokens(spec, 24);
  const Expected expected = InDoublePrecision(weights, tokens);
  ThreadPool pool(*rc::gen::inRange(1, 4));
  const std::vector<size_t> whole = {tokens.size()};
  const std::vector<size_t> one_by_one(tokens.size(), 1);
  const auto which = *rc::gen::element(Logits::kLast, Logits::kAll);
  RC_LOG() << ToJson(spec).dump() << "\n";
  RC_ASSERT(WorstErrorOfSplit(weights, pool, tokens, whole, Logits::kAll, expected) <= 1);
  RC_ASSERT(WorstErrorOfSplit(weights, pool, tokens, one_by_one, Logits::kLast, expected) <= 1);
  RC_ASSERT(WorstErrorOfSplit(weights, pool, tokens, DrawSplit(tokens.size()), which, expected) <=
            1);
}

// 100 models each.
RC_GTEST_PROP(DecoderProperty, EverySplitAgreesWithDoublePrecision, ()) {
  CheckAgainstDoublePrecision(DrawSpec());
}

RC_GTEST_PROP(DecoderProperty, EverySplitAgreesWhereOccurrencesShareTheirKvEntry, ()) {
  ModelSpec spec = DrawSpec();
  spec.kv_policy = KvPolicy::kShared;
  if (ExecutedBlocks(spec) == spec.n_blocks) {
    spec.repeat = {.kind = RepeatKind::kRepeatAll, .times = 2, .order = {}};
  }
  CheckAgainstDoublePrecision(spec);
}

std::vector<NamedPrecision> AllPrecisions() { return {kPrecisions.begin(), kPrecisions.end()}; }

// Weights and KV cache in every format. The tolerance is statistical: a wrong layout, scale or
// correction is off by orders of magnitude.
RC_GTEST_PROP(DecoderProperty, EveryFormatAgreesWithDoublePrecision, ()) {
  const ModelSpec spec = DrawSpec();
  const Precision precision = (*rc::gen::elementOf(AllPrecisions())).precision;
  const Dtype kv = *rc::gen::element(Dtype::kF32, Dtype::kF16, Dtype::kInt8);
  ThreadPool pool(*rc::gen::inRange(1, 4));
  const Weights weights =
      ConvertWeights(SmallWeights(spec, *rc::gen::arbitrary<uint32_t>()), precision, pool);
  const Tokens tokens = DrawTokens(spec, 24);
  const Expected expected = InDoublePrecision(weights, tokens, kv);
  RC_LOG() << ToJson(spec).dump() << ToJson(precision).dump() << ToText(kv) << "\n";
  const double worst = WorstErrorOfSplit(weights, pool, tokens, DrawSplit(tokens.size()),
                                         Logits::kAll, expected, kv);
  RC_ASSERT(worst <= 1);
}

RC_GTEST_PROP(DecoderProperty, BytesTouchedAreThoseOfTheSpec, ()) {
  const ModelSpec spec = DrawSpec();
  const Dtype kv = *rc::gen::element(Dtype::kF32, Dtype::kF16, Dtype::kInt8);
  const Precision precision = (*rc::gen::elementOf(AllPrecisions())).precision;
  const Tokens tokens = DrawTokens(spec, 6);
  ThreadPool pool(*rc::gen::inRange(1, 4));
  const Weights weights = ConvertWeights(SmallWeights(spec, 1), precision, pool);
  Decoder decoder(weights, pool, 6, kv);
  const WeightBytes bytes = CountWeightBytes(spec, precision);
  const Bytes kv_row = ExecutedBlocks(spec) * StorageBytes(kv, 2, KvDim(spec));
  const Bytes per_token = StorageBytes(precision.embedding, 1, spec.d_model) +
                          ExecutedBlocks(spec) * bytes.block + bytes.final_norm +
                          (spec.tie_embeddings ? bytes.embedding : bytes.head);
  Bytes total;
  for (size_t p = 0; p < tokens.size(); ++p) {
    static_cast<void>(decoder.Forward(std::span(tokens).subspan(p, 1), Logits::kLast));
    const Bytes token = per_token + kv_row + static_cast<int64_t>(p + 1) * kv_row;  // written, read
    total += token;
    RC_ASSERT(decoder.bytes_touched() == total);
    const Precision executed = {precision.weights, precision.embedding, precision.activations, kv};
    RC_ASSERT(CountDecodeBytes(spec, executed, static_cast<int64_t>(p)).total() == token);
  }
}

// A prompt streams each weight once per tile of 256 tokens, whichever way it is asked for.
TEST(Decoder, PrefillTouchesWeightsOncePerTile) {
  const ModelSpec spec = SmallSpec();
  const Weights weights = SmallWeights(spec, 1);
  ThreadPool pool(2);
  const WeightBytes bytes = CountWeightBytes(spec, PrecisionByName("f32").value());
  const Bytes kv_row = spec.n_blocks * StorageBytes(Dtype::kF32, 2, KvDim(spec));
  for (const int64_t tokens : {1, 256, 257}) {
    const int64_t tiles = tokens <= 256 ? 1 : 2;
    Decoder decoder(weights, pool, tokens);
    static_cast<void>(decoder.Forward(SomeTokens(spec, tokens), Logits::kLast));
    const Bytes kv = decoder.bytes_touched() - tiles * bytes.blocks - bytes.final_norm -
                     bytes.embedding - StorageBytes(Dtype::kF32, tokens, spec.d_model);
    EXPECT_GE(kv, 2 * tokens * kv_row);                            // written, and read once
    EXPECT_LE(kv, (tokens + tokens * (tokens + 1) / 2) * kv_row);  // and at most once per token
  }
}

// Longer than a tile of tokens, an attention chunk and what one item of a decoded token covers.
TEST(Decoder, LongPromptsAgreeWithDoublePrecision) {
  for (const KvPolicy policy : {KvPolicy::kPerOccurrence, KvPolicy::kShared}) {
    ModelSpec spec = SmallSpec();
    spec.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
    spec.kv_policy = policy;
    const Weights weights = SmallWeights(spec, 3);
    const Tokens tokens = SomeTokens(spec, 600);
    const Expected expected = InDoublePrecision(weights, tokens);
    ThreadPool pool(2);
    EXPECT_LE(WorstErrorOfSplit(weights, pool, tokens, {600}, Logits::kAll, expected), 1);
    EXPECT_LE(WorstErrorOfSplit(weights, pool, tokens, std::vector<size_t>(600, 1), Logits::kLast,
                                expected),
              1);
    EXPECT_LE(
        WorstErrorOfSplit(weights, pool, tokens, {70, 1, 63, 300, 1, 165}, Logits::kAll, expected),
        1);
  }
}

TEST(Decoder, ThreadCountsDoNotChangeABit) {
  ModelSpec spec = SmallSpec();
  spec.vocab_size = 1000;
  spec.d_ff = 400;
  const Weights weights = SmallWeights(spec, 4);
  const Tokens tokens = SomeTokens(spec, 300);
  std::vector<std::vector<float>> results;
  for (const int64_t threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    Decoder decoder(weights, pool, 301);
    const auto prompt = decoder.Forward(tokens, Logits::kAll);
    results.emplace_back(prompt.begin(), prompt.end());
    const auto next = decoder.Forward({tokens.data(), 1}, Logits::kLast);
    results.back().insert(results.back().end(), next.begin(), next.end());
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Decoder, EveryInstructionSetAgreesWithDoublePrecision) {
  std::vector<ModelSpec> specs(4, SmallSpec());
  specs[1].head_dim = 64;
  specs[1].d_model = 96;
  specs[2].ffn = Ffn::kGelu;
  specs[2].n_kv_heads = 1;
  specs[3].ffn = Ffn::kRelu;
  specs[3].n_kv_heads = 6;
  specs[3].tie_embeddings = false;
  specs[3].repeat = {.kind = RepeatKind::kReverse, .times = 2, .order = {}};
  for (const ModelSpec& spec : specs) {
    const Weights weights = SmallWeights(spec, 6);
    const Tokens tokens = SomeTokens(spec, 40);
    const Expected expected = InDoublePrecision(weights, tokens);
    ThreadPool pool(2);
    for (const Kernels& kernels : SupportedKernels()) {
      SCOPED_TRACE(std::string(kernels.target));
      ::setenv("DEEPTHIN_FORCE_TARGET", std::string(kernels.target).c_str(), 1);
      EXPECT_LE(WorstErrorOfSplit(weights, pool, tokens, {30, 1, 1, 8}, Logits::kAll, expected), 1);
    }
    ::unsetenv("DEEPTHIN_FORCE_TARGET");
  }
}

TEST(Decoder, AnUnknownInstructionSetIsRefused) {
  const Weights weights = SmallWeights(SmallSpec(), 1);
  ThreadPool pool(1);
  ::setenv("DEEPTHIN_FORCE_TARGET", "MMX", 1);
  EXPECT_NE(ErrorText<InputError>([&] { const Decoder decoder(weights, pool, 8); }), "");
  ::unsetenv("DEEPTHIN_FORCE_TARGET");
}

TEST(Decoder, ResetForgetsTheContext) {
  const ModelSpec spec = SmallSpec();
  const Weights weights = SmallWeights(spec, 2);
  const Tokens tokens = SomeTokens(spec, 12);
  ThreadPool pool(2);
  Decoder decoder(weights, pool, 12);
  const auto first = decoder.Forward(tokens, Logits::kLast);
  const std::vector<float> before(first.begin(), first.end());
  decoder.Reset();
  EXPECT_EQ(decoder.position(), 0);
  const auto again = decoder.Forward(tokens, Logits::kLast);
  EXPECT_EQ(before, std::vector<float>(again.begin(), again.end()));
}

// Back to an earlier position with other tokens, and forward again with the same.
TEST(Decoder, SeekGoesBackAndForward) {
  for (const KvPolicy policy : {KvPolicy::kPerOccurrence, KvPolicy::kShared}) {
    ModelSpec spec = SmallSpec();
    spec.repeat = {.kind = RepeatKind::kRepeatAll, .times = 2, .order = {}};
    spec.kv_policy = policy;
    const Weights weights = SmallWeights(spec, 2);
    const Tokens tokens = SomeTokens(spec, 40);
    ThreadPool pool(2);
    Decoder decoder(weights, pool, 41);
    const auto logits_of = [&](std::span<const int32_t> some) {
      const auto logits = decoder.Forward(some, Logits::kLast);
      return std::vector<float>(logits.begin(), logits.end());
    };
    static_cast<void>(logits_of(tokens));
    const std::vector<float> after_all = logits_of({tokens.data(), 1});

    decoder.Seek(10);
    EXPECT_EQ(decoder.position(), 10);
    static_cast<void>(logits_of(std::span(tokens).subspan(10, 3)));
    decoder.Seek(40);
    const std::vector<float> again = logits_of({tokens.data(), 1});
    double worst = 0;
    for (size_t i = 0; i < again.size(); ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(again[i]) - after_all[i]));
    }
    EXPECT_LE(worst, 1e-3);  // f32; the rows of three tokens were made by a pass of another shape

    decoder.Seek(10);
    const std::vector<float> other = logits_of(std::span(tokens).subspan(20, 5));
    Decoder fresh(weights, pool, 41);
    static_cast<void>(fresh.Forward(std::span(tokens).first(10), Logits::kLast));
    const auto expected = fresh.Forward(std::span(tokens).subspan(20, 5), Logits::kLast);
    for (size_t i = 0; i < other.size(); ++i) EXPECT_NEAR(other[i], expected[i], 1e-3);
  }
}

// Weights are views: the decoder keeps their storage alive.
TEST(Decoder, OutlivesTheWeightsItWasMadeFrom) {
  const ModelSpec spec = SmallSpec();
  ThreadPool pool(1);
  auto weights = std::make_unique<Weights>(SmallWeights(spec, 2));
  Decoder decoder(*weights, pool, 4);
  weights.reset();
  EXPECT_TRUE(std::isfinite(decoder.Forward(SomeTokens(spec, 4), Logits::kLast)[0]));
}

TEST(Decoder, TooLongAContextIsASentence) {
  ModelSpec spec = SmallSpec();
  spec.max_seq_len = 1 << 24;
  spec.n_heads = 1024;
  spec.n_kv_heads = 1024;
  spec.head_dim = 2;
  const Weights weights = SmallWeights(spec, 1);
  ThreadPool pool(1);
  EXPECT_THAT(ErrorText<EnvironmentError>([&] { const Decoder decoder(weights, pool, 1 << 24); }),
              ::testing::HasSubstr("the KV cache of 16777216 tokens: needs"));
}

TEST(DecoderDeathTest, PromisesOfTheCallerAreChecked) {
  const ModelSpec spec = SmallSpec();
  const Weights weights = SmallWeights(spec, 1);
  ThreadPool pool(1);
  Decoder decoder(weights, pool, 4);
  EXPECT_DEATH(static_cast<void>(decoder.Forward({}, Logits::kLast)), "internal error");
  EXPECT_DEATH(static_cast<void>(decoder.Forward(SomeTokens(spec, 5), Logits::kLast)), "internal");
  const int32_t token = 37;
  EXPECT_DEATH(static_cast<void>(decoder.Forward({&token, 1}, Logits::kLast)), "internal error");
  EXPECT_DEATH(decoder.Seek(1), "internal error");
  EXPECT_DEATH(decoder.Seek(-1), "internal error");
}

}  // namespace
}  // namespace deepthin::runtime

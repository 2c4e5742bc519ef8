#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/decoder.h"
#include "runtime/thread_pool.h"
#include "runtime/weights.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

// All tensors of f32 weights, in one order.
std::vector<std::span<const float>> Tensors(const Weights& weights) {
  std::vector<std::span<const float>> all = {F32Values(weights.embedding), weights.final_norm,
                                             F32Values(weights.head)};
  for (const BlockWeights& w : weights.blocks) {
    all.push_back(w.attn_norm);
    all.push_back(w.ffn_norm);
    for (const auto matrix : kBlockMatrices) all.push_back(F32Values(w.*matrix));
  }
  return all;
}

bool Equal(const Weights& a, const Weights& b) {
  return std::ranges::equal(Tensors(a), Tensors(b),
                            [](auto x, auto y) { return std::ranges::equal(x, y); });
}

Weights Random(const ModelSpec& spec, uint64_t seed, int64_t threads = 1) {
  ThreadPool pool(threads);
  return RandomWeights(spec, seed, pool);
}

ModelSpec LargerSpec() {
  ModelSpec spec = SmallSpec();
  spec.vocab_size = 3001;
  spec.d_model = 130;
  spec.d_ff = 301;
  spec.tie_embeddings = false;
  return spec;
}

TEST(RandomWeights, AreTheSameForEveryThreadCount) {
  const Weights one = Random(LargerSpec(), 7, 1);
  EXPECT_TRUE(Equal(one, Random(LargerSpec(), 7, 2)));
  EXPECT_TRUE(Equal(one, Random(LargerSpec(), 7, 3)));
  EXPECT_FALSE(Equal(one, Random(LargerSpec(), 8, 1)));
}

// Computed by another program as well: results stored with a seed have to mean the same weights
// for ever.
TEST(RandomWeights, AreThoseTheyAlwaysWere) {
  const Weights weights = Random(SmallSpec(), 1);
  const std::vector<float> first = {
      F32Values(weights.embedding)[0], F32Values(weights.embedding)[1],
      F32Values(weights.blocks[1].w_down)[5], F32Values(weights.blocks[0].wk)[219]};
  EXPECT_THAT(first, ::testing::ElementsAre(-0x1.2dd478p-2F, 0x1.297dbp-2F, 0x1.1002fep-3F,
                                            -0x1.4e4f0cp-3F));
}

TEST(RandomWeights, HaveTheShapesOfTheSpec) {
  for (const Ffn ffn : {Ffn::kSwiglu, Ffn::kGelu}) {
    ModelSpec spec = LargerSpec();
    spec.ffn = ffn;
    int64_t floats = 0;
    const Weights weights = Random(spec, 1);
    for (const auto tensor : Tensors(weights)) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0U);
      floats += static_cast<int64_t>(tensor.size());
    }
    EXPECT_EQ(floats, CountParams(spec).total());
    EXPECT_EQ(F32Values(weights.blocks[0].wk).size(), 20U * 130U);
    EXPECT_EQ(weights.blocks[0].w_gate.empty(), ffn != Ffn::kSwiglu);
  }
}

TEST(RandomWeights, TiedHeadIsTheEmbedding) {
  const Weights weights = Random(SmallSpec(), 1);
  EXPECT_EQ(weights.head.data, weights.embedding.data);
  const Weights untied = Random(LargerSpec(), 1);
  EXPECT_NE(F32Values(untied.head)[0], F32Values(untied.embedding)[0]);
}

// Mean 0, variance 1 / fan-in, excess kurtosis -0.3 (sum of four uniforms: -1.2 / 4), each within
// five standard errors; and no tensor repeats another.
TEST(RandomWeights, HaveTheMomentsTheySay) {
  const Weights weights = Random(LargerSpec(), 3);
  const auto values = F32Values(weights.embedding);
  const auto n = static_cast<double>(values.size());
  double m1 = 0;
  double m2 = 0;
  double m4 = 0;
  for (const float value : values) {
    const double z = static_cast<double>(value) * std::sqrt(130.0);
    m1 += z / n;
    m2 += z * z / n;
    m4 += z * z * z * z / n;
  }
  EXPECT_NEAR(m1, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(m2, 1, 5 * std::sqrt(1.7 / n));
  EXPECT_NEAR(m4, 2.7, 5 * std::sqrt(60 / n));

  const auto wk = F32Values(weights.blocks[0].wk);
  const auto wv = F32Values(weights.blocks[0].wv);
  double correlation = 0;
  for (size_t i = 0; i < wk.size(); ++i) {
    correlation += static_cast<double>(wk[i]) * static_cast<double>(wv[i]) * 130;
  }
  EXPECT_NEAR(correlation / static_cast<double>(wk.size()), 0,
              5 / std::sqrt(static_cast<double>(wk.size())));
  EXPECT_NE(F32Values(weights.blocks[0].wq)[0], F32Values(weights.blocks[1].wq)[0]);
  EXPECT_TRUE(std::ranges::all_of(weights.blocks[0].attn_norm, [](float v) { return v == 1.0F; }));
  EXPECT_TRUE(std::ranges::all_of(weights.final_norm, [](float v) { return v == 1.0F; }));
}

TEST(RandomWeights, LogitsStayFiniteThroughAnyDepth) {
  ModelSpec spec = SmallSpec();
  spec.repeat = {.kind = RepeatKind::kRepeatAll, .times = 500, .order = {}};
  ThreadPool pool(1);
  const Weights weights = RandomWeights(spec, 1, pool);
  Decoder decoder(weights, pool, 8);
  for (const float logit : decoder.Forward(SomeTokens(spec, 8), Logits::kAll)) {
    EXPECT_LT(std::abs(logit), 100.0F);
  }
}

TEST(RandomWeights, TooLargeAModelIsASentence) {
  ModelSpec spec = SmallSpec();
  spec.d_model = 1 << 20;
  spec.d_ff = 1 << 20;
  EXPECT_THAT(ErrorText<EnvironmentError>([&] { Random(spec, 1); }),
              ::testing::HasSubstr("the model's weights: needs"));
}

TEST(RandomWeights, AnInvalidSpecIsAnInputError) {
  ModelSpec spec = SmallSpec();
  spec.head_dim = 3;
  EXPECT_THAT(ErrorText<InputError>([&] { Random(spec, 1); }), ::testing::HasSubstr("/head_dim"));
}

}  // namespace
}  // namespace deepthin::runtime

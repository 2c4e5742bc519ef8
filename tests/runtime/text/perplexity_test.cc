#include "runtime/text/perplexity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "spec/errors.h"
#include "spec/files.h"
#include "spec/random.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/text/text_models.h"
#include "tests/runtime/text/vocabularies.h"

namespace deepthin::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Marks = Tokenizer::Marks;

TEST(SelectParagraphsTest, SplitsAtBlankLinesAndFoldsWhiteSpace) {
  const std::string text = "\n \t\n  one\ttwo  \r\n three \r\n \r\n\n\n four\n\nfive six";
  const PerplexityOptions all = {.min_chars = 0, .max_paragraphs = std::nullopt};
  EXPECT_THAT(SelectParagraphs(text, all), ElementsAre("one two three", "four", "five six"));
  EXPECT_THAT(SelectParagraphs("", all), IsEmpty());
  EXPECT_THAT(SelectParagraphs(" \n\n", all), IsEmpty());
}

TEST(SelectParagraphsTest, TakesTheFirstThatAreLongerThanTheBound) {
  const std::string text = "aaaa\n\nbbb\n\n  ccc \n c  \n\ndddd";
  EXPECT_THAT(SelectParagraphs(text, {.min_chars = 3}), ElementsAre("aaaa", "ccc c", "dddd"));
  EXPECT_THAT(SelectParagraphs(text, {.min_chars = 4}), ElementsAre("ccc c"));
  EXPECT_THAT(SelectParagraphs(text, {.min_chars = 5}), IsEmpty());
  EXPECT_THAT(SelectParagraphs(text, {.min_chars = 3, .max_paragraphs = 2}),
              ElementsAre("aaaa", "ccc c"));
  EXPECT_THAT(SelectParagraphs(text, {.min_chars = 3, .max_paragraphs = 3}), SizeIs(3));
}

TEST(SelectParagraphsTest, CountsUnicodeCharactersNotBytes) {
  const std::string four = "\xC3\xA9\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  EXPECT_THAT(SelectParagraphs(four, {.min_chars = 3}), SizeIs(1));
  EXPECT_THAT(SelectParagraphs(four, {.min_chars = 4}), IsEmpty());
}

TEST(SelectParagraphsTest, RefusesOptionsOutOfRange) {
  EXPECT_THROW((void)SelectParagraphs("", {.min_chars = -1}), InputError);
  EXPECT_THROW((void)SelectParagraphs("", {.max_paragraphs = 0}), InputError);
  EXPECT_THROW((void)SelectParagraphs("", {.max_tokens = 1}), InputError);
}

TEST(NegativeLogLikelihoodTest, MatchesClosedForms) {
  const std::vector<float> even(1000, 7.5F);
  EXPECT_NEAR(NegativeLogLikelihood(even, 3), std::log(1000.0), 1e-12);
  // log(1 + exp(-d)) and d + log(1 + exp(-d)), also where exp of the logits overflows.
  for (const float base : {0.0F, 1000.0F, -1000.0F}) {
    const std::vector<float> two = {base, base - 2};
    EXPECT_NEAR(NegativeLogLikelihood(two, 0), std::log1p(std::exp(-2.0)), 1e-12);
    EXPECT_NEAR(NegativeLogLikelihood(two, 1), 2 + std::log1p(std::exp(-2.0)), 1e-12);
  }
}

TEST(SummarizeNllsTest, MeanAndSpreadOfParagraphs) {
  // Sums 3 and 9 over 2 and 2 tokens: mean 3, residuals -3 and 3; variance 2/1 (9 + 9) / 4^2.
  const std::vector<std::vector<double>> two = {{1, 2}, {4, 5}};
  const PerplexityResult result = SummarizeNlls(two);
  EXPECT_EQ(result.paragraphs, 2);
  EXPECT_EQ(result.tokens, 4);
  EXPECT_DOUBLE_EQ(result.nll_per_token, 3);
  EXPECT_DOUBLE_EQ(result.perplexity, std::exp(3.0));
  ASSERT_TRUE(result.standard_error.has_value());
  EXPECT_DOUBLE_EQ(*result.standard_error, std::sqrt(36.0 / 16.0));
  EXPECT_EQ(SummarizeNlls({two.data(), 1}).standard_error, std::nullopt);
}

// What a standard error is for: means of fresh samples spread by it. Paragraphs have a difficulty
// of their own, so an error that takes tokens as independent comes out several times too small.
TEST(SummarizeNllsTest, StandardErrorIsTheSpreadOfTheMean) {
  SplitMix64 random(5);
  double sum = 0;
  double squares = 0;
  double error = 0;
  constexpr int kSamples = 400;
  for (int sample = 0; sample < kSamples; ++sample) {
    std::vector<std::vector<double>> paragraphs(40);
    for (std::vector<double>& nlls : paragraphs) {
      const double difficulty = 4 * random.NextUnit();
      const auto length = static_cast<size_t>(20 + random.NextBelow(200));
      for (size_t i = 0; i < length; ++i) nlls.push_back(difficulty + random.NextUnit());
    }
    const PerplexityResult result = SummarizeNlls(paragraphs);
    sum += result.nll_per_token;
    squares += result.nll_per_token * result.nll_per_token;
    error += *result.standard_error / kSamples;
  }
  const double mean = sum / kSamples;
  const double spread = std::sqrt(squares / kSamples - mean * mean);
  EXPECT_NEAR(error / spread, 1.0, 0.1);
}

Tokenizer SmallTokenizer() {
  return TokenizerOf({{"a", 0}, {"b", 0}, {" ", 0}, {" a", 1}, {"ab", 2}});
}

ModelSpec SmallSpec() { return SmallTextSpec(5, 100); }

TEST(PerplexityTest, UniformModelHasThePerplexityOfItsVocabulary) {
  ThreadPool pool(1);
  Weights weights = RandomWeights(SmallSpec(), 1, pool);
  const std::vector<float> zeros(weights.final_norm.size(), 0.0F);
  weights.final_norm = zeros;  // all logits 0
  const PerplexityResult result = Perplexity(weights, pool, SmallTokenizer(), "ab a b\n\nba ab b",
                                             "text", {.min_chars = 3, .max_tokens = 50});
  EXPECT_NEAR(result.perplexity, static_cast<double>(weights.spec.vocab_size), 1e-9);
  EXPECT_EQ(result.paragraphs, 2);
  EXPECT_NEAR(result.standard_error.value_or(1), 0.0, 1e-12);
}

// Each token's logits by a fresh decoder that reads the whole prefix; softmax the plain way.
double NllOneByOne(const Weights& weights, ThreadPool& pool, std::span<const int32_t> ids,
                   int64_t& tokens) {
  double sum = 0;
  for (size_t i = 1; i < ids.size(); ++i) {
    Decoder decoder(weights, pool, static_cast<int64_t>(i));
    const std::span<const float> logits = decoder.Forward(ids.first(i), Logits::kLast);
    long double total = 0;
    for (const float logit : logits) total += std::exp(static_cast<long double>(logit));
    const auto own = static_cast<long double>(logits[static_cast<size_t>(ids[i])]);
    sum += static_cast<double>(std::log(total) - own);
    ++tokens;
  }
  return sum;
}

TEST(PerplexityTest, EqualsTheProtocolDoneByHand) {
  ThreadPool pool(2);
  const Weights weights = RandomWeights(SmallSpec(), 9, pool);
  const Tokenizer tokenizer = SmallTokenizer();
  // 80 tokens cross the border of a chunk of logits; the third paragraph is beyond the second.
  std::string text;
  for (int i = 0; i < 90; ++i) text += "b";
  text += "\n\nshort\n\nab  ab\nab ab\n\nanother paragraph";
  const PerplexityOptions options = {.min_chars = 9, .max_paragraphs = 2, .max_tokens = 80};

  int64_t tokens = 0;
  std::vector<int32_t> first = tokenizer.Encode(std::string(90, 'b'), Marks::kBos);
  ASSERT_GT(first.size(), 80u);
  first.resize(80);
  double nll = NllOneByOne(weights, pool, first, tokens);
  nll += NllOneByOne(weights, pool, tokenizer.Encode("ab ab ab ab", Marks::kBos), tokens);

  std::vector<std::pair<int64_t, int64_t>> progress;
  const PerplexityResult result =
      Perplexity(weights, pool, tokenizer, text, "text", options,
                 [&](int64_t done, int64_t total) { progress.emplace_back(done, total); });
  EXPECT_EQ(result.tokens, tokens);
  EXPECT_NEAR(result.nll_per_token, nll / static_cast<double>(tokens), 1e-5);
  EXPECT_THAT(progress, ElementsAre(std::pair(1, 2), std::pair(2, 2)));
}

TEST(PerplexityTest, RefusesWhatDoesNotFit) {
  ThreadPool pool(1);
  Weights weights = RandomWeights(SmallSpec(), 1, pool);
  const Tokenizer tokenizer = SmallTokenizer();
  const auto run = [&](const Tokenizer& with, const PerplexityOptions& options) -> std::string {
    try {
      (void)Perplexity(weights, pool, with, "ab a b", "emma.txt", options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(run(tokenizer, {.max_tokens = 101}), HasSubstr("emma.txt: has no paragraph of more"));
  EXPECT_EQ(run(tokenizer, {.min_chars = 5, .max_tokens = 101}), "accepted");
  EXPECT_THAT(run(tokenizer, {.min_chars = 5, .max_tokens = 102}),
              HasSubstr("/max_tokens: is 102; expected at most 101"));
  EXPECT_THAT(run(TokenizerOf({}), {.min_chars = 5, .max_tokens = 9}), HasSubstr("259 pieces"));

  const std::vector<float> damaged(weights.final_norm.size(),
                                   std::numeric_limits<float>::quiet_NaN());
  weights.final_norm = damaged;
  EXPECT_THAT(run(tokenizer, {.min_chars = 5, .max_tokens = 9}),
              HasSubstr("not finite in paragraph 1 of emma.txt"));
}

TEST(PerplexityTest, RefusesTextInAnotherEncoding) {
  ThreadPool pool(1);
  const Weights weights = RandomWeights(SmallSpec(), 1, pool);
  const std::string latin1 = "ab caf\xe9 ab";
  EXPECT_EQ(ErrorText<InputError>([&] {
              (void)Perplexity(weights, pool, SmallTokenizer(), latin1, "emma.txt",
                               {.min_chars = 5, .max_tokens = 9});
            }),
            "emma.txt: byte 6: is no UTF-8; expected text in UTF-8");
}

// Reference values: an independent float64 implementation.
TEST(PerplexityGoldenTest, Stories260KOnEmma) {
  const std::optional<Stories> stories = LoadStories();
  if (!stories) GTEST_SKIP() << "no stories260K.bin in " << StoriesFolder();
  const auto& [weights, tokenizer] = *stories;
  const std::string path = DEEPTHIN_SOURCE_DIR "/tests/assets/emma_excerpt.txt";
  ThreadPool pool(1);
  const PerplexityResult result = Perplexity(weights, pool, tokenizer, ReadFile(path), path);
  EXPECT_EQ(result.paragraphs, 30);
  EXPECT_EQ(result.tokens, 6094);
  EXPECT_NEAR(result.nll_per_token, 3.4051, 0.00006);
  EXPECT_NEAR(result.perplexity, 30.117, 0.0006);
}

}  // namespace
}  // namespace deepthin::runtime

#include "runtime/text/choices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "runtime/text/perplexity.h"
#include "spec/errors.h"
#include "tests/runtime/text/text_models.h"
#include "tests/runtime/text/vocabularies.h"

namespace deepthin::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(ChoiceItemsTest, BothFormsAndBlankLines) {
  const auto items = ChoiceItemsFromJsonl(
      "\n{\"context\": \"The sky is\", \"choices\": [\" blue\", \" red\"], \"answer\": 1}\r\n  \n"
      R"({"choices": [{"context": "A", "continuation": "b"}, {"context": "", "continuation": "c"}],)"
      R"( "answer": 0})",
      "f");
  ASSERT_THAT(items, SizeIs(2));
  EXPECT_EQ(items[0].line, 2);
  EXPECT_EQ(items[0].answer, 1);
  EXPECT_THAT(items[0].choices,
              ElementsAre(Choice{"The sky is", " blue"}, Choice{"The sky is", " red"}));
  EXPECT_EQ(items[1].line, 4);
  EXPECT_THAT(items[1].choices, ElementsAre(Choice{"A", "b"}, Choice{"", "c"}));
}

TEST(ChoiceItemsTest, BadLinesAreOneSentenceWithTheirNumber) {
  struct Bad {
    const char* line;
    const char* says;
  };
  const Bad table[] = {
      {"{\"context\": ", "d.jsonl: line 2, column 13: is not one JSON value"},
      {"[1, 2]", "d.jsonl: line 2: is no object"},
      {"7", "is no object"},
      {R"({"context": "a", "choices": ["b", "c"]})", "lacks the key 'answer'"},
      {R"({"context": "a", "answer": 0})", "lacks the key 'choices'"},
      {R"({"context": "a", "choices": ["b", "c"], "answer": 0, "x": 1})", "the unknown key 'x'"},
      {R"({"prompt": "a", "choices": ["b", "c"], "answer": 0})",
       "the unknown key 'prompt'; expected {\"context\", \"choices\", \"answer\"} or"},
      {R"({"context": "a", "choices": ["b"], "answer": 0})", "fewer than two"},
      {R"({"context": "a", "choices": "bc", "answer": 0})", "no list of choices"},
      {R"({"context": "a", "choices": ["b", 3], "answer": 0})", "choice 1 is number"},
      {R"({"context": 1, "choices": ["b", "c"], "answer": 0})", "the context is number"},
      {R"({"context": "a", "choices": ["b", ""], "answer": 0})", "choice 1 is empty"},
      {R"({"context": "a", "choices": ["b", "c"], "answer": 2})", "its answer is 2; expected the"},
      {R"({"context": "a", "choices": ["b", "c"], "answer": -1})", "0 to 1"},
      {R"({"context": "a", "choices": ["b", "c"], "answer": 0.5})", "its answer is 0.5"},
      {R"({"context": "a", "choices": ["b", "c"], "answer": "0"})", "its answer is \"0\""},
      {R"({"context": "a", "choices": ["b", "c"], "answer": 18446744073709551615})", "0 to 1"},
      {R"({"choices": [{"context": "a"}, {"context": "a"}], "answer": 0})",
       "line 2, choice 0: lacks"},
      {R"({"choices": ["a", "b"], "answer": 0})", "line 2, choice 0: is no object"},
      {R"({"context": "a", "context": "b", "choices": ["b", "c"], "answer": 0})", "line 2"},
      {"{\"context\": \"\xff\", \"choices\": [\"b\", \"c\"], \"answer\": 0}", "line 2"},
  };
  const std::string good = R"({"context": "a", "choices": ["b", "c"], "answer": 0})";
  for (const Bad& bad : table) {
    SCOPED_TRACE(bad.line);
    try {
      std::string text = good;
      text.append("\n").append(bad.line).append("\n").append(good);
      (void)ChoiceItemsFromJsonl(text, "d.jsonl");
      FAIL() << "accepted";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr(bad.says));
    }
  }
  EXPECT_THROW((void)ChoiceItemsFromJsonl("\n \n", "d.jsonl"), InputError);
}

TEST(LikeliestChoiceTest, EachRuleHasItsOwn) {
  // Sums -4, -6, -5; per token -4, -1, -2.5; per byte -2, -3, -0.5.
  const std::vector<ChoiceScore> scores = {{-4, 1, 2}, {-6, 6, 2}, {-5, 2, 10}};
  EXPECT_EQ(LikeliestChoice(scores, ChoiceRule::kSum), 0);
  EXPECT_EQ(LikeliestChoice(scores, ChoiceRule::kPerToken), 1);
  EXPECT_EQ(LikeliestChoice(scores, ChoiceRule::kPerByte), 2);
  const std::vector<ChoiceScore> equal = {{-4, 1, 1}, {-4, 1, 1}};
  EXPECT_EQ(LikeliestChoice(equal, ChoiceRule::kSum), 0);
}

TEST(ChoiceAccuracyTest, StandardErrorIsTheBinomials) {
  const ChoiceAccuracy accuracy = {.right = 30, .items = 100};
  EXPECT_DOUBLE_EQ(accuracy.value(), 0.3);
  EXPECT_DOUBLE_EQ(accuracy.standard_error(), std::sqrt(0.3 * 0.7 / 100));
  EXPECT_EQ((ChoiceAccuracy{.right = 7, .items = 7}).standard_error(), 0);
}

const std::vector<TextPiece>& Vocabulary() {
  static const std::vector<TextPiece> pieces = {{" ", 0}, {"a", 0}, {"b", 0}, {" a", 2}, {"ab", 1}};
  return pieces;
}

ModelSpec SmallSpec() { return SmallTextSpec(5, 24); }

// A whole text at once, without a cache: what each choice has to come out at.
double LogLikelihoodFromScratch(const Weights& weights, ThreadPool& pool,
                                const Tokenizer& tokenizer, const Choice& choice, size_t given) {
  const auto ids = tokenizer.Encode(choice.context + choice.continuation, Tokenizer::Marks::kBos);
  Decoder decoder(weights, pool, 64);
  const std::vector<double> nlls = TokenNlls(decoder, pool, ids);
  double sum = 0;
  for (size_t i = given - 1; i < nlls.size(); ++i) sum -= nlls[i];
  return sum;
}

std::string DrawText(int most) {
  std::string text;
  for (int i = *rc::gen::inRange(0, most + 1); i > 0; --i) text += *rc::gen::element('a', 'b', ' ');
  return text;
}

// Contexts that are shared, that begin alike or that differ: the cache never shows.
RC_GTEST_PROP(ChoiceScorerProperty, AgreesWithComputingEachTextFromScratch, ()) {
  ModelSpec spec = SmallSpec();
  spec.max_seq_len = 64;
  spec.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  spec.kv_policy = *rc::gen::element(KvPolicy::kShared, KvPolicy::kPerOccurrence);
  ThreadPool pool(1);
  const Weights weights = RandomWeights(spec, 3, pool);
  const Tokenizer tokenizer = TokenizerOf(Vocabulary());
  ChoiceScorer scorer(weights, pool, tokenizer);
  for (int64_t line = 1; line <= 3; ++line) {
    ChoiceItem item = {.line = line, .choices = {}};
    const std::string shared = DrawText(12);
    const int choices = *rc::gen::inRange(2, 5);
    for (int i = 0; i < choices; ++i) {
      const bool shares = *rc::gen::arbitrary<bool>();
      item.choices.push_back({shares ? shared : DrawText(12), DrawText(8) + "b"});
    }
    const auto scores = scorer.Score(item, "f");
    RC_ASSERT(scores.size() == item.choices.size());
    for (size_t i = 0; i < scores.size(); ++i) {
      const Choice& choice = item.choices[i];
      const size_t end = choice.context.find_last_not_of(' ') + 1;
      const auto alone = tokenizer.Encode(choice.context.substr(0, end), Tokenizer::Marks::kBos);
      const auto whole =
          tokenizer.Encode(choice.context + choice.continuation, Tokenizer::Marks::kBos);
      size_t given = 0;
      while (given < alone.size() && given < whole.size() && alone[given] == whole[given]) ++given;
      const double expected = LogLikelihoodFromScratch(weights, pool, tokenizer, choice, given);
      RC_ASSERT(std::abs(scores[i].log_likelihood - expected) <= 1e-3 * (1 + std::abs(expected)));
      RC_ASSERT(scores[i].bytes == static_cast<int64_t>(choice.continuation.size()));
      RC_ASSERT(scores[i].tokens >= 1);
    }
  }
}

TEST(ChoiceScorerTest, ASharedContextIsComputedOnce) {
  ThreadPool pool(1);
  const Weights weights = RandomWeights(SmallSpec(), 3, pool);
  const Tokenizer tokenizer = TokenizerOf(Vocabulary());
  const std::string context(15, 'b');  // with the blank before it and BOS 17 tokens
  ChoiceScorer scorer(weights, pool, tokenizer);
  const auto scores = scorer.Score({.line = 1, .choices = {{context, "b"}, {context, "a"}}}, "f");
  EXPECT_EQ(scores[0].tokens, 1);
  EXPECT_EQ(scorer.tokens_computed(), 17 + 1);  // of the second only what its logits come from
}

// " a" + "b" is the token " ab": the continuation's score is that of the token which holds it.
TEST(ChoiceScorerTest, AMergedTokenIsScoredWhole) {
  ThreadPool pool(1);
  ModelSpec spec = SmallSpec();
  spec.vocab_size += 1;
  const Weights weights = RandomWeights(spec, 3, pool);
  std::vector<TextPiece> pieces = Vocabulary();
  pieces.push_back({" ab", 9});
  const Tokenizer tokenizer = TokenizerOf(pieces);
  ChoiceScorer scorer(weights, pool, tokenizer);
  const auto scores = scorer.Score({.line = 1, .choices = {{"a", "b"}, {"a", "a"}}}, "f");
  Decoder decoder(weights, pool, 4);
  const std::vector<int32_t> bos = {Tokenizer::kBos};
  const int32_t merged = Tokenizer::kFirstText + 5;
  const double expected = -NegativeLogLikelihood(decoder.Forward(bos, Logits::kLast), merged);
  EXPECT_NEAR(scores[0].log_likelihood, expected, 1e-5);
  EXPECT_EQ(scores[0].tokens, 1);
}

TEST(ChoiceScorerTest, RefusesWhatDoesNotFit) {
  ThreadPool pool(1);
  const Weights weights = RandomWeights(SmallSpec(), 3, pool);
  const Tokenizer tokenizer = TokenizerOf(Vocabulary());
  ChoiceScorer scorer(weights, pool, tokenizer);
  // BOS and a blank are two: 25 tokens, of which the last needs no position, fit exactly.
  const auto fits =
      scorer.Score({.line = 7, .choices = {{std::string(22, 'b'), "b"}, {"b", "b"}}}, "f.jsonl");
  EXPECT_THAT(fits, SizeIs(2));
  try {
    (void)scorer.Score({.line = 7, .choices = {{"b", "b"}, {std::string(23, 'b'), "b"}}},
                       "f.jsonl");
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("f.jsonl: line 7, choice 1: has 26 tokens; expected at "
                                        "most 25"));
  }
  EXPECT_THROW(ChoiceScorer(weights, pool, TokenizerOf({{"a", 0}})), InputError);
}

}  // namespace
}  // namespace deepthin::runtime

#include "runtime/text/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runtime/text/perplexity.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "tests/runtime/text/text_models.h"
#include "tests/runtime/text/vocabularies.h"

namespace deepthin::runtime {
namespace {

using ::testing::ElementsAre;
using Marks = Tokenizer::Marks;

constexpr int32_t kA = Tokenizer::kFirstText;
constexpr int32_t kB = Tokenizer::kFirstText + 1;
constexpr int32_t kSpaceA = Tokenizer::kFirstText + 2;
constexpr PickerOptions kGreedy = {.temperature = 0};

Tokenizer SmallTokenizer() { return TokenizerOf({{"a", 0}, {"b", 0}, {" a", 1}, {" ", 0}}); }

// Answers the k-th call with the k-th token of a script, the last one for ever, and notes what it
// was asked.
class ScriptedModel {
 public:
  explicit ScriptedModel(std::vector<int32_t> script) : script_(std::move(script)) {}

  LogitsAfter AsFunction() {
    return [this](std::span<const int32_t> tokens) -> std::span<const float> {
      inputs.emplace_back(tokens.begin(), tokens.end());
      logits_.assign(Tokenizer::kFirstText + 4, 0.0F);
      const size_t call = std::min(inputs.size(), script_.size()) - 1;
      logits_[static_cast<size_t>(script_[call])] = 1;
      return logits_;
    };
  }

  std::vector<std::vector<int32_t>> inputs;

 private:
  std::vector<int32_t> script_;
  std::vector<float> logits_;
};

struct Output {
  GenerationResult result;
  std::string text;
};

Output RunScript(ScriptedModel& model, int64_t positions, const std::vector<int32_t>& prompt,
                 int64_t max_tokens) {
  const Tokenizer tokenizer = SmallTokenizer();
  Output out;
  out.result = Generate(model.AsFunction(), positions, tokenizer, prompt,
                        {.max_tokens = max_tokens, .picker = kGreedy},
                        {.on_piece = [&](std::string_view piece) { out.text += piece; }});
  return out;
}

TEST(GenerateTest, ReadsThePromptAtOnceAndThenEachTokenThatItChose) {
  ScriptedModel model({kB, kSpaceA, kA, kA});
  const Output out = RunScript(model, 100, {1, kSpaceA, kB}, 3);
  EXPECT_THAT(model.inputs,
              ElementsAre(ElementsAre(1, kSpaceA, kB), ElementsAre(kB), ElementsAre(kSpaceA)));
  EXPECT_THAT(out.result.tokens, ElementsAre(kB, kSpaceA, kA));
  EXPECT_EQ(out.text, "b aa");
  EXPECT_EQ(out.result.stop, StopReason::kMaxTokens);
  EXPECT_EQ(out.result.prompt_tokens, 3);
  EXPECT_EQ(out.result.decoded_tokens, 2);
  EXPECT_GE(out.result.time_to_first_token.value(), 0.0);
}

TEST(GenerateTest, DropsTheSpaceAfterBosAlone) {
  ScriptedModel model({kSpaceA, kSpaceA});
  EXPECT_EQ(RunScript(model, 100, {1}, 2).text, "a a");
}

TEST(GenerateTest, StopsAtBosAndEosWithoutPrintingThem) {
  for (const int32_t mark : {Tokenizer::kBos, Tokenizer::kEos}) {
    ScriptedModel model({kA, kB, mark});
    const Output out = RunScript(model, 100, {1}, 50);
    EXPECT_THAT(out.result.tokens, ElementsAre(kA, kB));
    EXPECT_EQ(out.text, "ab");
    EXPECT_EQ(out.result.stop, StopReason::kEndOfText);
    EXPECT_EQ(out.result.decoded_tokens, 2);
  }
  ScriptedModel model({Tokenizer::kEos});
  const Output none = RunScript(model, 100, {1}, 50);
  EXPECT_THAT(none.result.tokens, ElementsAre());
  EXPECT_EQ(DecodedTokensPerSecond(none.result), std::nullopt);
}

TEST(GenerateTest, FillsTheContextToItsLastPosition) {
  // Positions for the prompt's 2 and 3 more; the token chosen at the last one needs none.
  ScriptedModel model({kA});
  const Output out = RunScript(model, 5, {1, kSpaceA}, 50);
  EXPECT_EQ(out.result.tokens.size(), 4u);
  EXPECT_EQ(out.result.stop, StopReason::kContextFull);
  EXPECT_EQ(model.inputs.size(), 4u);
  ScriptedModel same({kA});
  EXPECT_EQ(RunScript(same, 5, {1, kSpaceA}, 4).result.stop, StopReason::kMaxTokens);
  ScriptedModel full({kA});
  EXPECT_EQ(RunScript(full, 2, {1, kSpaceA}, 4).result.tokens.size(), 1u);
}

TEST(GenerateTest, CanBeInterrupted) {
  ScriptedModel model({kA});
  const Tokenizer tokenizer = SmallTokenizer();
  int asked = 0;
  const std::vector<int32_t> prompt = {1};
  const GenerationResult result =
      Generate(model.AsFunction(), 100, tokenizer, prompt, {.picker = kGreedy},
               {.interrupted = [&] { return ++asked == 4; }});
  EXPECT_EQ(result.stop, StopReason::kInterrupted);
  EXPECT_EQ(result.tokens.size(), 3u);
}

TEST(GenerateTest, RefusesWhatDoesNotFit) {
  ScriptedModel model({kA});
  EXPECT_THROW(RunScript(model, 100, {}, 5), InputError);
  EXPECT_THROW(RunScript(model, 2, {1, kA, kA}, 5), InputError);
  EXPECT_THROW(RunScript(model, 100, {1}, 0), InputError);
  EXPECT_THROW(RunScript(model, 100, {1, Tokenizer::kFirstText + 4}, 5), InputError);
  EXPECT_THROW(RunScript(model, 100, {-1}, 5), InputError);
  EXPECT_TRUE(model.inputs.empty());
}

ModelSpec SmallSpec() { return SmallTextSpec(4, 24); }

TEST(GenerateWithDecoderTest, ChoosesWhatTheLogitsOfTheWholeTextSay) {
  ThreadPool pool(2);
  const Weights weights = RandomWeights(SmallSpec(), 3, pool);
  const Tokenizer tokenizer = SmallTokenizer();
  const std::vector<int32_t> prompt = tokenizer.Encode("a ba", Marks::kBos);
  const GenerationResult result =
      Generate(weights, pool, tokenizer, prompt, {.max_tokens = 10, .picker = kGreedy});
  ASSERT_FALSE(result.tokens.empty());

  std::vector<int32_t> text = prompt;
  for (const int32_t token : result.tokens) {
    Decoder decoder(weights, pool, 24);
    EXPECT_EQ(GreatestLogit(decoder.Forward(text, Logits::kLast)), token);
    text.push_back(token);
  }
}

TEST(GenerateWithDecoderTest, SeedsDecideSampledText) {
  ThreadPool pool(1);
  const Weights weights = RandomWeights(SmallSpec(), 3, pool);
  const Tokenizer tokenizer = SmallTokenizer();
  const std::vector<int32_t> prompt = {1};
  const auto tokens = [&](uint64_t seed) {
    return Generate(weights, pool, tokenizer, prompt,
                    {.max_tokens = 20, .picker = {.temperature = 1, .seed = seed}})
        .tokens;
  };
  EXPECT_EQ(tokens(1), tokens(1));
  EXPECT_NE(tokens(1), tokens(2));
}

TEST(GenerateWithDecoderTest, StopsWhereTheContextEnds) {
  ThreadPool pool(1);
  const Weights weights = RandomWeights(SmallSpec(), 5, pool);
  const Tokenizer tokenizer = SmallTokenizer();
  const std::vector<int32_t> prompt(24, kA);
  const GenerationResult result =
      Generate(weights, pool, tokenizer, prompt, {.max_tokens = INT64_MAX, .picker = kGreedy});
  EXPECT_LE(result.tokens.size(), 1u);
  EXPECT_NE(result.stop, StopReason::kMaxTokens);
  const std::vector<int32_t> longer(25, kA);
  EXPECT_THROW((void)Generate(weights, pool, tokenizer, longer, {}), InputError);
  EXPECT_THROW((void)Generate(weights, pool, TokenizerOf({{"a", 0}}), prompt, {}), InputError);
}

TEST(GenerateGoldenTest, Stories260KPrintsTheReferenceText) {
  const std::optional<Stories> stories = LoadStories();
  if (!stories) GTEST_SKIP() << "no stories260K.bin in " << StoriesFolder();
  const auto& [weights, tokenizer] = *stories;
  // The reference engine ends its output with a line break.
  const std::string expected = ReadFile(StoriesFolder() + "stories260K.greedy.txt");
  // One thread: with two, a busy machine spends most of the test waiting for the other one.
  ThreadPool pool(1);
  std::string text;
  const GenerationResult result =
      Generate(weights, pool, tokenizer, tokenizer.Encode("", Marks::kBos),
               {.max_tokens = 256, .picker = kGreedy},
               {.on_piece = [&](std::string_view piece) { text += piece; }});
  EXPECT_EQ(text + "\n", expected);
  EXPECT_EQ(text, tokenizer.Decode(result.tokens));
  EXPECT_EQ(result.stop, StopReason::kMaxTokens);
  EXPECT_EQ(result.tokens.size(), 256u);
}

}  // namespace
}  // namespace deepthin::runtime

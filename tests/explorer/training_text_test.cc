// Texts as tokens, what is held out, and the curve's file.
#include "explorer/training_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "explorer/loss_curve.h"
#include "runtime/checkpoint/vocabulary_files.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "tests/runtime/error_text.h"

namespace deepthin::explorer {
namespace {

using runtime::ErrorText;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

runtime::Tokenizer Bytes() {
  return runtime::Tokenizer::FromVocabulary(runtime::ByteVocabulary(), "bytes");
}

std::string Write(const std::string& name, const std::string& text) {
  std::string path = testing::TempDir() + "/" + name;
  WriteFileAtomically(path, text);
  return path;
}

TEST(ByteVocabularyTest, EveryByteIsAToken) {
  const runtime::Tokenizer tokenizer = Bytes();
  EXPECT_EQ(tokenizer.vocab_size(), 259);
  std::string all = "  two spaces, \xe2\x96\x81 and ";
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto ids = tokenizer.Encode(all, runtime::Tokenizer::Marks::kBos);
  EXPECT_EQ(tokenizer.Decode(ids), runtime::Replaced(all, "\xe2\x96\x81", " "));
  EXPECT_THAT(tokenizer.Encode("a", runtime::Tokenizer::Marks::kBos), ElementsAre(1, 3 + 'a'));
}

// Long files are encoded in pieces, without a token more or less.
TEST(TrainingTextTest, FilesAreOneBehindTheOther) {
  std::string text;
  for (int i = 0; text.size() < 200'000; ++i) text += "line " + std::to_string(i) + "\n";
  const auto tokens = TokensOfFiles({Write("a.txt", text), Write("b.txt", "b")}, Bytes());
  ASSERT_EQ(tokens.size(), text.size() + 3);
  EXPECT_EQ(Bytes().Decode(std::vector<int32_t>(tokens.begin(), tokens.end() - 2)), text);
  EXPECT_EQ(tokens[tokens.size() - 2], 1);
  EXPECT_EQ(tokens.back(), 3 + 'b');
}

TEST(TrainingTextTest, TheTailIsHeldOut) {
  const std::string path = Write("digits.txt", std::string(99, 'x'));
  const TrainingText text = ReadTrainingText({path}, {}, 0.2, 9, Bytes());
  EXPECT_EQ(text.training.size(), 80u);
  EXPECT_EQ(text.validation.size(), 20u);
  // A window at least.
  EXPECT_EQ(ReadTrainingText({path}, {}, 0.01, 30, Bytes()).validation.size(), 31u);
  const auto error = [&](int64_t length, const std::vector<std::string>& validation) {
    return ErrorText<InputError>(
        [&] { static_cast<void>(ReadTrainingText({path}, validation, 0.2, length, Bytes())); });
  };
  EXPECT_EQ(error(49, {}), "");
  EXPECT_THAT(error(50, {}), HasSubstr("to train with: has 49 tokens; expected 51 or more"));
  EXPECT_EQ(error(98, {path}), "");
  EXPECT_EQ(error(99, {path}), "");
  EXPECT_THAT(error(100, {path}), HasSubstr("has 100 tokens; expected 101"));
  EXPECT_THAT(error(9, {Write("empty.txt", "")}), HasSubstr("is empty"));
}

TEST(TrainingTextTest, WindowsPredictEachTokenOnce) {
  EXPECT_THAT(WindowStarts(11, 10, 100), ElementsAre(0));
  EXPECT_THAT(WindowStarts(21, 10, 100), ElementsAre(0, 10));
  EXPECT_THAT(WindowStarts(30, 10, 100), ElementsAre(0, 10));
  EXPECT_THAT(WindowStarts(101, 10, 30), ElementsAre(0, 30, 60));
  EXPECT_THAT(WindowStarts(101, 10, 1), ElementsAre(0));
}

TEST(TrainingTextTest, HashesTellTokensApart) {
  EXPECT_EQ(TokenHash({}), "cbf29ce484222325");  // FNV-1a's offset basis
  EXPECT_EQ(TokenHash({'a'}), TokenHash({'a'}));
  EXPECT_NE(TokenHash({1, 2}), TokenHash({2, 1}));
  EXPECT_NE(TokenHash({0}), TokenHash({0, 0}));
}

TEST(LossCurveTest, ComesBackAndIsCutAtAStep) {
  const std::string path = testing::TempDir() + "/curve.jsonl";
  const std::vector<CurvePoint> points = {
      {.step = 0, .validation_loss = 5.5},
      {.step = 1, .loss = 5.123456789012345, .gradient_norm = 0.25, .learning_rate = 1e-3},
      {.step = 2, .gradient_norm = 1.0, .learning_rate = 2e-3}};
  WriteCurve(path, points);
  EXPECT_EQ(ReadCurve(path, 2), points);
  EXPECT_EQ(ReadCurve(path, 1).size(), 2u);
  EXPECT_TRUE(points[2].diverged());
  EXPECT_FALSE(points[0].diverged() || points[1].diverged());
  const auto error = [&](const std::string& text, int64_t last) {
    const std::string bad = Write("bad.jsonl", text);
    return ErrorText<InputError>([&] { static_cast<void>(ReadCurve(bad, last)); });
  };
  const std::string text = ReadFile(path);
  EXPECT_EQ(error(text + "rubbish", 2), "");
  EXPECT_THAT(error(text, 3), HasSubstr("has 3 points; expected one for each of steps 0 to 3"));
  EXPECT_THAT(error("", 0), HasSubstr("has 0 points"));
  EXPECT_THAT(error("{\"step\":1}\n", 1), HasSubstr("line 1: is of step 1; expected step 0"));
  EXPECT_THAT(error("{\"step\":0", 1), HasSubstr("line 1: is cut off"));
  EXPECT_THAT(error("{\"step\":0,\"los\":1}\n", 1), HasSubstr("los"));
  WriteCurveCsv(path, points);
  EXPECT_THAT(ReadFile(path),
              HasSubstr("\n0,,,,5.5\n1,5.123456789012345,0.25,0.001,\n2,,1,0.002,\n"));
}

}  // namespace
}  // namespace deepthin::explorer

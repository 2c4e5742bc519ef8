// Against the sentencepiece library: vocabularies that it trains, ids and texts that it gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <filesystem>

#include "runtime/checkpoint/vocabulary_files.h"
#include "runtime/text/tokenizer.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "spec/random.h"

namespace deepthin::runtime {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using Marks = Tokenizer::Marks;

const std::string kText = DEEPTHIN_SOURCE_DIR "/tests/assets/emma_excerpt.txt";

std::string Train(const std::string& options) {
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      "--input=" + kText +
          " --minloglevel=2 --vocab_size=500 --num_threads=1"
          " --hard_vocab_limit=false --max_sentence_length=100000 " +
          options,
      nullptr, &model);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return model;
}

// Words of the text and what else a text may hold: characters that normalisation changes,
// that no vocabulary here has, spaces of several kinds, the mark itself, marks' names.
std::string RandomText(SplitMix64& random, const std::string& words) {
  static const std::vector<std::string> kParts = {
      " ",      "  ",     "\t",      "\n",     "\u00a0",     "\u3000", "\u2581", "\ufb01",
      "\uff21", "\u2460", "e\u0301", "\u00e9", "\U0001F600", "<s>",    "</s>",   "<unk>",
      "<0x0A>", "<sep>",  "<se",     "a b",    "!",          "\u200b"};
  std::string text;
  for (int64_t n = random.NextBelow(12); n > 0; --n) {
    if (random.NextBelow(2) == 0) {
      text += kParts[static_cast<size_t>(random.NextBelow(static_cast<int64_t>(kParts.size())))];
      continue;
    }
    size_t begin = static_cast<size_t>(random.NextBelow(static_cast<int64_t>(words.size()) - 40));
    while ((static_cast<unsigned char>(words[begin]) & 0xc0) == 0x80) ++begin;
    size_t end = begin + 1 + static_cast<size_t>(random.NextBelow(30));
    while ((static_cast<unsigned char>(words[end]) & 0xc0) == 0x80) ++end;
    text += words.substr(begin, end - begin);
  }
  return text;
}

class Oracle : public ::testing::TestWithParam<const char*> {};

TEST_P(Oracle, GivesTheSameIdsAndTexts) {
  const std::string model = Train(GetParam());
  sentencepiece::SentencePieceProcessor theirs;
  ASSERT_TRUE(theirs.LoadFromSerializedProto(model).ok());
  const Vocabulary vocabulary = SentencePieceVocabulary(model, "trained.model");
  EXPECT_EQ(VocabularyFormatOf(model), VocabularyFormat::kSentencePiece);
  const Tokenizer ours = Tokenizer::FromVocabulary(vocabulary, "trained.model");
  ASSERT_EQ(ours.vocab_size(), theirs.GetPieceSize());
  EXPECT_EQ(ours.bos().value_or(-1), theirs.bos_id());
  EXPECT_EQ(ours.eos().value_or(-1), theirs.eos_id());
  EXPECT_EQ(vocabulary.unknown, theirs.unk_id());

  const std::string words = ReadFile(kText);
  SplitMix64 random(7);
  std::vector<std::string> texts = {"", " ", "  ", "\u2581", words.substr(0, 20'000)};
  while (texts.size() < 1'500) texts.push_back(RandomText(random, words));
  for (const std::string& text : texts) {
    std::vector<int> expected;
    ASSERT_TRUE(theirs.Encode(text, &expected).ok());
    const std::vector<int32_t> ids = ours.Encode(text, Marks::kNone);
    ASSERT_EQ(ids, expected) << "'" << text.substr(0, 200) << "'";
    std::string decoded;
    ASSERT_TRUE(theirs.Decode(expected, &decoded).ok());
    ASSERT_EQ(ours.Decode(ids), decoded) << "'" << text.substr(0, 200) << "'";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, Oracle,
    ::testing::Values(
        "--model_type=bpe --byte_fallback=true --normalization_rule_name=identity "
        "--remove_extra_whitespaces=false",  // as LLaMA's
        "--model_type=bpe --normalization_rule_name=nmt_nfkc --user_defined_symbols=<sep>,ab,abc",
        "--model_type=bpe --byte_fallback=true --add_dummy_prefix=false "
        "--normalization_rule_name=nfkc_cf --bos_id=-1",
        "--model_type=unigram --byte_fallback=true --normalization_rule_name=identity "
        "--remove_extra_whitespaces=false",
        "--model_type=unigram --normalization_rule_name=nmt_nfkc "
        "--user_defined_symbols=<sep>,ab,abc",
        "--model_type=unigram --byte_fallback=true --add_dummy_prefix=false "
        "--normalization_rule_name=nmt_nfkc_cf --control_symbols=<ctl> "
        "--bos_id=-1 --pad_id=0 --eos_id=1 --unk_id=2"));  // as T5's

// Which sentencepiece does not promise: bytes that are no UTF-8 come back, too.
TEST(SentencePiece, AnyBytesComeBack) {
  const std::string model = Train(
      "--model_type=bpe --byte_fallback=true --normalization_rule_name=identity "
      "--remove_extra_whitespaces=false");
  const Tokenizer tokenizer = Tokenizer::FromVocabulary(SentencePieceVocabulary(model, "m"), "m");
  SplitMix64 random(3);
  for (int i = 0; i < 2'000; ++i) {
    std::string text;
    for (int64_t n = random.NextBelow(20); n > 0; --n) {
      text += static_cast<char>(random.NextBelow(256));
    }
    ASSERT_EQ(tokenizer.Decode(tokenizer.Encode(text, Marks::kBosAndEos)), text);
  }
}

TEST(SentencePiece, LongTextsTakeNoQuadraticTime) {
  for (const char* type : {"bpe", "unigram"}) {
    const std::string model = Train("--byte_fallback=true --model_type=" + std::string(type));
    const Tokenizer tokenizer = Tokenizer::FromVocabulary(SentencePieceVocabulary(model, "m"), "m");
    const std::string text(1 << 18, 'a');
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text, Marks::kNone)), text);
  }
}

TEST(SentencePiece, DamagedModelsGiveASentenceOrATokenizer) {
  const std::string model = Train("--model_type=unigram --normalization_rule_name=identity");
  const auto error_of = [](const std::string& bytes) -> std::string {
    try {
      const Tokenizer tokenizer =
          Tokenizer::FromVocabulary(SentencePieceVocabulary(bytes, "bad.model"), "bad.model");
      static_cast<void>(tokenizer.Encode("He said.", Marks::kBos));
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of(model), "");
  for (size_t size = 1; size < 2'000; ++size) {
    EXPECT_THAT(error_of(model.substr(0, size)), AnyOf("", HasSubstr("bad.model: ")));
  }
  SplitMix64 random(5);
  for (int i = 0; i < 3'000; ++i) {
    std::string changed = model;
    for (int64_t n = 1 + random.NextBelow(4); n > 0; --n) {
      changed[static_cast<size_t>(random.NextBelow(static_cast<int64_t>(changed.size())))] =
          static_cast<char>(random.NextBelow(256));
    }
    static_cast<void>(error_of(changed));
  }
  EXPECT_THAT(error_of(""), HasSubstr("no piece for what is unknown"));
  EXPECT_THAT(error_of("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), HasSubstr("byte 0: field 1"));
  EXPECT_THAT(error_of(std::string(20, '\xff')), HasSubstr("more than 10 bytes"));
  EXPECT_THAT(error_of(Train("--model_type=char")), HasSubstr("model type 4"));
  EXPECT_THAT(error_of(Train("--model_type=bpe --treat_whitespace_as_suffix=true")),
              HasSubstr("spaces behind words"));
}

}  // namespace
}  // namespace deepthin::runtime

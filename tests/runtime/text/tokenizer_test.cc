#include "runtime/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <limits>
#include <map>
#include <optional>

#include "spec/errors.h"
#include "spec/random.h"
#include "tests/runtime/text/vocabularies.h"

namespace deepthin::runtime {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Marks = Tokenizer::Marks;

// Text of a few characters, so that pieces repeat and merges compete: ASCII, UTF-8 of two and four
// bytes, and bytes that are no UTF-8.
std::string RandomText(SplitMix64& random, int64_t length) {
  static const std::vector<std::string> parts = {"a",        "b",    "c",    " ",
                                                 "\xC3\xA9", "\xFF", "\x80", "\xF0\x9F\x98\x80"};
  std::string text;
  for (int64_t i = 0; i < length; ++i) {
    text += parts[static_cast<size_t>(random.NextBelow(static_cast<int64_t>(parts.size())))];
  }
  return text;
}

// Scores of few values, so that ties are common.
std::vector<TextPiece> RandomPieces(SplitMix64& random) {
  std::map<std::string, float> pieces;
  for (const char* single : {"a", "b", "c", " ", "\xC3\xA9"}) {
    if (random.NextBelow(5) != 0) pieces[single] = 0;
  }
  for (int64_t n = random.NextBelow(60); n > 0; --n) {
    pieces[RandomText(random, 1 + random.NextBelow(5))] = static_cast<float>(random.NextBelow(6));
  }
  std::vector<TextPiece> out;
  out.reserve(pieces.size());
  for (const auto& [text, score] : pieces) out.push_back({text, score});
  return out;
}

// The oracle: run.c's encode(), which walks all pairs for each merge.
std::vector<int32_t> EncodeNaively(const std::vector<TextPiece>& texts, const std::string& text) {
  std::map<std::string, int32_t> ids;
  for (size_t i = 0; i < texts.size(); ++i) {
    ids[texts[i].text] = Tokenizer::kFirstText + static_cast<int32_t>(i);
  }
  const auto score = [&](int32_t id) {
    return texts[static_cast<size_t>(id - Tokenizer::kFirstText)].score;
  };
  std::vector<std::pair<int32_t, std::optional<std::string>>> symbols;
  const std::string all = text.empty() ? "" : " " + text;
  for (size_t i = 0; i < all.size();) {
    size_t n = 1;
    while (n < 4 && i + n < all.size() && (all[i + n] & 0xC0) == 0x80) ++n;
    const std::string character = all.substr(i, n);
    if (ids.contains(character)) {
      symbols.emplace_back(ids[character], character);
    } else {
      for (const char c : character) {
        symbols.emplace_back(static_cast<unsigned char>(c) + 3, std::nullopt);
      }
    }
    i += n;
  }
  while (true) {
    std::optional<size_t> best;
    int32_t best_id = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      if (!symbols[i].second || !symbols[i + 1].second) continue;
      const auto found = ids.find(*symbols[i].second + *symbols[i + 1].second);
      if (found == ids.end()) continue;
      if (best && score(found->second) <= score(best_id)) continue;
      best = i;
      best_id = found->second;
    }
    if (!best) break;
    symbols[*best] = {best_id, *symbols[*best].second + *symbols[*best + 1].second};
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(*best) + 1);
  }
  std::vector<int32_t> out;
  out.reserve(symbols.size());
  for (const auto& [id, piece] : symbols) out.push_back(id);
  return out;
}

TEST(TokenizerTest, MergesTheBestScoreFirst) {
  const std::vector<TextPiece> texts = {{"a", 0},  {"b", 0},  {"c", 0}, {" ", 0},
                                        {"ab", 1}, {"bc", 2}, {" a", 0}};
  const Tokenizer tokenizer = TokenizerOf(texts);
  const int32_t bc = Tokenizer::kFirstText + 5;
  const int32_t space_a = Tokenizer::kFirstText + 6;
  EXPECT_THAT(tokenizer.Encode("abc", Marks::kBosAndEos), ElementsAre(1, space_a, bc, 2));
  EXPECT_THAT(tokenizer.Encode("", Marks::kBosAndEos), ElementsAre(1, 2));
  EXPECT_THAT(tokenizer.Encode("", Marks::kNone), ElementsAre());
}

TEST(TokenizerTest, FallsBackToBytes) {
  const Tokenizer tokenizer = TokenizerOf({{"\xC3\xA9", 0}});
  EXPECT_THAT(tokenizer.Encode("\xC3\xA9\n\xC3", Marks::kNone),
              ElementsAre(3 + ' ', Tokenizer::kFirstText, 3 + '\n', 3 + 0xC3));
}

TEST(TokenizerTest, TextThatLooksLikeAMarkOrAByteComesBack) {
  // Pieces from which a careless merge would build <0x0A> or the mark of BOS.
  const Tokenizer tokenizer = TokenizerOf({{"<", 0},
                                           {"0", 0},
                                           {"x", 0},
                                           {"A", 0},
                                           {">", 0},
                                           {"<0", 1},
                                           {"<0x", 1},
                                           {"<0x0", 1},
                                           {"<0x0A", 1},
                                           {"s", 0},
                                           {"<s", 1},
                                           {"<s>", 1},
                                           {"\n", 0},
                                           {"\n<s>", 1}});
  for (const std::string text : {"<0x0A>", "\n<s>\n", "<unk>", "\n</s>\n"}) {
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text, Marks::kBosAndEos)), text);
  }
}

TEST(TokenizerTest, DropsOnlyTheSpaceThatEncodePut) {
  const Tokenizer tokenizer = TokenizerOf({{" ", 0}, {"a", 0}, {" a", 1}, {"  ", 2}});
  for (const std::string text : {"a", " a", "  a", "a ", " ", "   "}) {
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text, Marks::kBos)), text);
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text, Marks::kNone)), text);
  }
  const int32_t space_a = Tokenizer::kFirstText + 2;
  EXPECT_EQ(tokenizer.DecodePiece(Tokenizer::kBos, space_a), "a");
  EXPECT_EQ(tokenizer.DecodePiece(space_a, space_a), " a");
}

RC_GTEST_PROP(TokenizerProperty, DecodeUndoesEncode,
              (const std::string& any_bytes, uint64_t seed, bool marks)) {
  SplitMix64 random(seed);
  const Tokenizer tokenizer = TokenizerOf(RandomPieces(random));
  const std::string competing = RandomText(random, random.NextBelow(40));
  for (const std::string& text : {any_bytes, competing}) {
    const Marks how = marks ? Marks::kBosAndEos : Marks::kNone;
    RC_ASSERT(tokenizer.Decode(tokenizer.Encode(text, how)) == text);
  }
}

RC_GTEST_PROP(TokenizerProperty, EncodesAsTheNaiveAlgorithm, (uint64_t seed)) {
  SplitMix64 random(seed);
  const std::vector<TextPiece> pieces = RandomPieces(random);
  const std::string text = RandomText(random, random.NextBelow(80));
  RC_ASSERT(TokenizerOf(pieces).Encode(text, Marks::kNone) == EncodeNaively(pieces, text));
}

// With one walk over the text for each merge this takes many minutes.
TEST(TokenizerTest, EncodesLongTexts) {
  const Tokenizer tokenizer =
      TokenizerOf({{" ", 0}, {"a", 0}, {"aa", 1}, {"aaaa", 2}, {"aaaaaaaa", 3}});
  const std::string text(1 << 17, 'a');
  const std::vector<int32_t> ids = tokenizer.Encode(text, Marks::kNone);
  EXPECT_EQ(ids.size(), 1u + text.size() / 8);
}

std::string MessageFor(const std::string& bytes, int64_t vocab_size) {
  try {
    (void)Tokenizer::FromBytes(bytes, vocab_size, "made.bin");
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(TokenizerFileTest, EveryTruncationIsRefused) {
  const std::vector<TextPiece> pieces = AllPieces({{"a", 1}, {"", 0}, {"bcd", 2}});
  const std::string file = FileOf(pieces);
  const auto size = static_cast<int64_t>(pieces.size());
  EXPECT_EQ(MessageFor(file, size), "accepted");
  for (size_t n = 0; n < file.size(); ++n) {
    ASSERT_THAT(MessageFor(file.substr(0, n), size), HasSubstr("made.bin: byte ")) << n;
  }
  EXPECT_THAT(MessageFor(file + "x", size),
              AllOf(HasSubstr("byte " + std::to_string(file.size())), HasSubstr("1 bytes after")));
}

TEST(TokenizerFileTest, SaysWhatIsWrongAndWhere) {
  const std::vector<TextPiece> pieces = AllPieces({{"a", 1}});
  const std::string good = FileOf(pieces);
  const auto size = static_cast<int64_t>(pieces.size());
  // The last piece: score at end - 9, length at end - 5.
  const size_t score_at = good.size() - 9;
  const size_t length_at = good.size() - 5;
  const auto with = [&](size_t at, auto value) {
    std::string bytes = good;
    std::memcpy(bytes.data() + at, &value, sizeof(value));
    return MessageFor(bytes, size);
  };
  EXPECT_THAT(with(0, int32_t{0}), HasSubstr("byte 0: the greatest piece length is 0"));
  EXPECT_THAT(with(0, int32_t{5}), HasSubstr("the length of piece 2 is 6; expected 0 to 5"));
  EXPECT_EQ(with(0, int32_t{6}), "accepted");
  EXPECT_THAT(with(length_at, int32_t{-1}),
              HasSubstr("byte " + std::to_string(length_at) + ": the length of piece 259 is -1"));
  EXPECT_THAT(with(length_at, int32_t{65}), HasSubstr("is 65; expected 0 to 64"));
  EXPECT_THAT(with(length_at, int32_t{2}), HasSubstr("ends within piece 259"));
  EXPECT_THAT(with(score_at, std::numeric_limits<float>::quiet_NaN()),
              HasSubstr("byte " + std::to_string(score_at) + ": the score of piece 259"));
  // Piece 3 begins after the head, the marks' texts and their heads.
  const size_t byte_piece_at = 4 + (8 + 5) + (8 + 5) + (8 + 6) + 8;
  EXPECT_THAT(with(byte_piece_at + 3, '1'), HasSubstr("byte " + std::to_string(byte_piece_at) +
                                                      ": piece 3 is not a byte; expected <0x00>"));
  EXPECT_THAT(MessageFor(good, size - 2), HasSubstr("at least 259"));
  EXPECT_THAT(MessageFor(good, -7), HasSubstr("at least 259"));
  EXPECT_THAT(MessageFor(good, int64_t{1} << 60), HasSubstr("too few for the model's"));
  EXPECT_THROW((void)LoadTokenizer("no such file", 512), InputError);
}

RC_GTEST_PROP(TokenizerFileProperty, DamageIsRefusedOrHarmless, (uint64_t seed)) {
  SplitMix64 random(seed);
  const std::vector<TextPiece> pieces = AllPieces(RandomPieces(random));
  std::string file = FileOf(pieces);
  for (int64_t n = 1 + random.NextBelow(4); n > 0; --n) {
    const int64_t at = random.NextBelow(static_cast<int64_t>(file.size()));
    file[static_cast<size_t>(at)] = static_cast<char>(random.NextBelow(256));
  }
  try {
    const Tokenizer tokenizer =
        Tokenizer::FromBytes(file, static_cast<int64_t>(pieces.size()), "made.bin");
    const std::string text = RandomText(random, 30);
    RC_ASSERT(tokenizer.Decode(tokenizer.Encode(text, Marks::kBos)) == text);
  } catch (const InputError&) {
    RC_SUCCEED("refused");
  }
}

// Against the published tokenizer of stories260K; ids by run.c's algorithm in another language.
TEST(TokenizerGoldenTest, Tok512) {
  const std::string path = DEEPTHIN_SOURCE_DIR "/../shared/checkpoints/tok512.bin";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  const Tokenizer tokenizer = LoadTokenizer(path, 512);
  EXPECT_THAT(tokenizer.Encode("Once upon a time", Marks::kBos),
              ElementsAre(1, 403, 407, 261, 378));
  EXPECT_THAT(tokenizer.Encode("Zo\xC3\xAB said: caf\xC3\xA9\n\t~ 99 \xE2\x82\xAC!", Marks::kNone),
              ElementsAre(410, 469, 414, 198, 174, 336, 467, 280, 412, 431, 485, 13, 12, 510, 410,
                          483, 483, 410, 503, 443));
  EXPECT_THROW((void)LoadTokenizer(path, 511), InputError);
  EXPECT_THROW((void)LoadTokenizer(path, 513), InputError);
}

}  // namespace
}  // namespace deepthin::runtime

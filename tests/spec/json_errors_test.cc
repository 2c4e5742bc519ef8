// What reading JSON refuses: each sentence names the file, the place, what was found and what was
// expected; no input crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "spec/json_io.h"
#include "spec/problem.h"
#include "tests/spec/input_error_of.h"

namespace deepthin {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string ParseErrorOf(std::string_view text) {
  return InputErrorOf([&] { return ParseJson(text, "f.json"); });
}

template <class T>
std::string ReadErrorOf(std::string_view text) {
  const Json json = ParseJson(text, "f.json");
  return InputErrorOf([&] { return FromJson<T>(json, {"f.json", "/at"}); });
}

std::string Nested(size_t depth, const std::string& open, const std::string& close) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (size_t i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(ParseJsonTest, SaysWhereTheSyntaxIsWrong) {
  EXPECT_EQ(ParseErrorOf("{\"a\": 1,\n  \"b\": }"),
            "f.json: line 2, column 8: is not valid JSON here; expected JSON as RFC 8259 has it "
            "(no comments, no NaN)");
  EXPECT_THAT(ParseErrorOf(""), StartsWith("f.json: line 1, column 1: is not valid JSON"));
  for (const char* text : {"{", "[1,]", "nul", "NaN", "[Infinity]", "{'a': 1}", "// c\n1", "1 2",
                           "\"\xff\"", "\xff\xfe", "{\"a\" 1}", "01", "\"\\ud800\"", "\x01"}) {
    EXPECT_THAT(ParseErrorOf(text), HasSubstr("is not valid JSON here")) << text;
  }
  EXPECT_THAT(ParseErrorOf(std::string_view("\0", 1)), HasSubstr("is not valid JSON here"));
}

TEST(ParseJsonTest, RefusesNumbersThatNoDoubleHolds) {
  EXPECT_EQ(ParseErrorOf("{\"a\": 1e999}"),
            "f.json: has a number that is too large; expected numbers below 1e308");
  EXPECT_THAT(ParseErrorOf("-1e999"), HasSubstr("too large"));
}

TEST(ParseJsonTest, RefusesAKeyGivenTwice) {
  EXPECT_EQ(ParseErrorOf(R"({"a": 1, "b": {"a": 2}, "a": 3})"),
            "f.json: has the key 'a' twice; expected it once");
  EXPECT_THAT(ParseErrorOf(R"([{"x": {"y": 1, "y": 1}}])"), HasSubstr("the key 'y' twice"));
  EXPECT_EQ(ParseErrorOf(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]})"), "");
}

TEST(ParseJsonTest, DepthIsBoundedTightly) {
  for (const auto& [open, close] : {std::pair{"[", "]"}, std::pair{"{\"k\":", "}"}}) {
    EXPECT_EQ(ParseErrorOf(Nested(64, open, close)), "");
    EXPECT_EQ(ParseErrorOf(Nested(65, open, close)),
              "f.json: is nested too deeply; expected at most 64 levels");
    EXPECT_THAT(ParseErrorOf(Nested(100'000, open, close)), HasSubstr("nested too deeply"));
    EXPECT_THAT(ParseErrorOf(Nested(100'000, open, "")), HasSubstr("nested too deeply"));
  }
}

TEST(ParseJsonTest, AnyBytesAreParsedOrRefused) {
  EXPECT_TRUE(rc::check("no other exception",
                        [](const std::string& bytes) { static_cast<void>(ParseErrorOf(bytes)); }));
  EXPECT_TRUE(rc::check("nor for a damaged file", [] {
    std::string text = ToJson(Problem{}).dump();
    const auto at = *rc::gen::inRange<size_t>(0, text.size());
    text[at] = *rc::gen::arbitrary<char>();
    static_cast<void>(InputErrorOf([&] {
      return FromJson<Problem>(ParseJson(text, "f.json"), {"f.json", ""});
    }));
  }));
}

TEST(FromJsonTest, UnknownAndMissingKeys) {
  EXPECT_EQ(ReadErrorOf<Workload>(R"({"prompt_tokens": 1, "generated_tokens": 1, "batches": 2})"),
            "f.json: /at: has the unknown key 'batches'; expected only prompt_tokens, "
            "generated_tokens, batch");
  EXPECT_EQ(ReadErrorOf<Workload>(R"({"prompt_tokens": 1})"),
            "f.json: /at: lacks the key 'generated_tokens'; expected generated_tokens: tokens that "
            "are decoded, at least 1");
  EXPECT_EQ(ReadErrorOf<Workload>(R"({"prompt": 1, "generated_tokens": 1})"),
            "f.json: /at: lacks the key 'prompt_tokens' and has the unknown key 'prompt'; "
            "expected prompt_tokens: tokens that are prefilled, at least 1");
  EXPECT_EQ(ReadErrorOf<Workload>(R"({"prompt_tokens": 1, "generated_tokens": 1, "": 2})"),
            "f.json: /at: has the unknown key ''; expected only prompt_tokens, "
            "generated_tokens, batch");
}

TEST(FromJsonTest, PlaceIsTheWholePath) {
  EXPECT_EQ(ReadErrorOf<SocSpec>(R"({"name": "p", "levels": [{"name": "slc", "kind": "cache"}]})"),
            "f.json: /at/levels/0/kind: is 'cache'; expected sram, dram or flash");
}

TEST(FromJsonTest, WrongTypes) {
  EXPECT_EQ(ReadErrorOf<Workload>("[]"), "f.json: /at: is []; expected an object");
  EXPECT_EQ(ReadErrorOf<std::vector<double>>("{}"), "f.json: /at: is {}; expected an array");
  EXPECT_EQ(ReadErrorOf<std::vector<double>>("[1, null]"),
            "f.json: /at/1: is null; expected a number");
  EXPECT_EQ(ReadErrorOf<bool>("1"), "f.json: /at: is 1; expected true or false");
  EXPECT_EQ(ReadErrorOf<std::string>("true"), "f.json: /at: is true; expected a text");
  EXPECT_EQ(ReadErrorOf<Dtype>("\"f64\""),
            "f.json: /at: is 'f64'; expected f32, f16, bf16, q8_0, q4_0 or int8");
  EXPECT_EQ(ReadErrorOf<Dtype>("32"), "f.json: /at: is 32; expected a text");
  EXPECT_EQ(ReadErrorOf<Seconds>("\"1\""), "f.json: /at: is \"1\"; expected a number");
  EXPECT_THAT(ReadErrorOf<RepeatSchedule>("\"twice\""),
              StartsWith("f.json: /at: 'twice' is no repeat schedule; expected none, immediate:2"));
  EXPECT_EQ(ReadErrorOf<RepeatSchedule>("2"), "f.json: /at: is 2; expected a text");
  EXPECT_EQ(InputErrorOf([] {
              return FromJson<RepeatSchedule>(Json(2), {"f.json", ""});
            }),
            "f.json: is 2; expected a text");
}

TEST(FromJsonTest, WholeNumbers) {
  EXPECT_EQ(ReadErrorOf<int64_t>("1.5"), "f.json: /at: is 1.5; expected a whole number");
  EXPECT_EQ(ReadErrorOf<int64_t>("9223372036854775808"),
            "f.json: /at: is 9223372036854775808; expected a whole number below 2^63");
  for (const char* text : {"1e300", "-1e300", "9007199254740993.0", "99999999999999999999999"}) {
    EXPECT_THAT(ReadErrorOf<int64_t>(text), HasSubstr("expected a whole number")) << text;
  }
}

TEST(FromJsonTest, NumbersAreFinite) {
  const Json nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(InputErrorOf([&] {
                return FromJson<double>(nan, {"f.json", "/at"});
              }),
              HasSubstr("expected a finite number"));
}

// From the command line, since the parser lets none through.
TEST(FromJsonTest, RefusesBytesThatAreNoUtf8) {
  for (const char* text : {"\xff", "\xc3", "\xed\xa0\x80", "a\x80"}) {
    const std::string sentence = InputErrorOf([&] {
      return FromJson<std::string>(Json(text), {"f.json", "/at"});
    });
    EXPECT_THAT(sentence,
                AllOf(StartsWith("f.json: /at: is \""), HasSubstr("expected a text in UTF-8")));
  }
}

TEST(InputErrorTest, IsOneShortLineWhateverIsInTheFile) {
  const std::string hostile = Json("\n\x1b[2J" + std::string(100'000, 'x')).dump();
  for (const std::string& sentence :
       {ReadErrorOf<Dtype>(hostile), ReadErrorOf<Seconds>(hostile),
        ReadErrorOf<Workload>("{\"prompt_tokens\":1,\"generated_tokens\":1," + hostile + ":1}")}) {
    EXPECT_LT(sentence.size(), 200u);
    EXPECT_THAT(sentence, AllOf(Not(HasSubstr("\n")), Not(HasSubstr("\x1b"))));
  }
}

// The message becomes part of a stored trial, so it has to be UTF-8 itself.
TEST(InputErrorTest, IsNotCutInsideACharacter) {
  for (size_t before = 30; before < 44; ++before) {
    const std::string text = Json(std::string(before, 'x') + "中中中中中中").dump();
    EXPECT_NO_THROW(static_cast<void>(Json(ReadErrorOf<Dtype>(text)).dump())) << before;
    EXPECT_NO_THROW(static_cast<void>(Json(ReadErrorOf<Seconds>(text)).dump())) << before;
  }
}

TEST(InputErrorTest, LeavesOutWhatIsEmpty) {
  EXPECT_STREQ(InputError({"", ""}, "is bad", "").what(), "is bad");
  EXPECT_STREQ(InputError({"f", ""}, "is bad", "good").what(), "f: is bad; expected good");
  EXPECT_STREQ(InputError({"", "/p"}, "is bad", "good").what(), "/p: is bad; expected good");
}

}  // namespace
}  // namespace deepthin

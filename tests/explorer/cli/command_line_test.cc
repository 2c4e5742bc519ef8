#include "explorer/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() : line_({.usage = "deepthin test X", .text = "", .examples = {}}) {
    line_.Text("threads,t", "count", "2")
        .Text("name", "")
        .Flag("quick", "")
        .List("set", "")
        .Positional("X", 1, 2);
  }

  std::string ErrorOf(const std::vector<std::string>& arguments) {
    try {
      static_cast<void>(line_.Parse(arguments));
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }

  CommandLine line_;
};

TEST_F(CommandLineTest, ReadsOptionsAndPositionals) {
  ASSERT_TRUE(line_.Parse({"a", "--quick", "-t", "4", "--set", "k=1", "b", "--set", "l=2"}));
  EXPECT_EQ(line_.positional(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(line_.Has("quick"));
  EXPECT_FALSE(line_.json());
  EXPECT_EQ(line_.GetInt("threads", 1, 8), 4);
  EXPECT_EQ(line_.GetList("set"), (std::vector<std::string>{"k=1", "l=2"}));
  EXPECT_EQ(line_.Get("name"), std::nullopt);
}

TEST_F(CommandLineTest, RefusesUnknownAbbreviatedAndMissing) {
  EXPECT_THAT(ErrorOf({"a", "--fast"}),
              AllOf(HasSubstr("fast"), HasSubstr("'deepthin test --help' lists")));
  EXPECT_THAT(ErrorOf({"a", "--quic"}), HasSubstr("quic"));
  EXPECT_THAT(ErrorOf({"a", "--name"}), HasSubstr("name"));
}

TEST_F(CommandLineTest, CountsPositionals) {
  EXPECT_THAT(ErrorOf({}), HasSubstr("has no argument"));
}

TEST_F(CommandLineTest, TooManyPositionals) {
  EXPECT_THAT(ErrorOf({"a", "b", "c"}), HasSubstr("has 3 arguments"));
}

TEST(CommandLineWithoutPositionals, NamesTheFirst) {
  CommandLine line({.usage = "deepthin test [options]", .text = "", .examples = {}});
  try {
    static_cast<void>(line.Parse({"foo"}));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "command line: has the argument 'foo'; expected none");
  }
}

TEST_F(CommandLineTest, AnEmptyNameIsNoName) {
  ASSERT_TRUE(line_.Parse({"a", "--name", ""}));
  EXPECT_EQ(line_.Get("name"), "");
  EXPECT_THROW(static_cast<void>(line_.GetFilled("name")), InputError);
  EXPECT_EQ(line_.GetFilled("threads"), "2");
}

TEST_F(CommandLineTest, NumbersAreWholeAndWithinBounds) {
  ASSERT_TRUE(line_.Parse({"a", "-t", "9"}));
  EXPECT_EQ(line_.GetInt("threads", 1, 9), 9);
  EXPECT_THROW(static_cast<void>(line_.GetInt("threads", 1, 8)), InputError);
}

TEST_F(CommandLineTest, ListsOfNumbers) {
  ASSERT_TRUE(line_.Parse({"a", "-t", "1,2"}));
  EXPECT_EQ(line_.GetInts("threads", 1, 8), (std::vector<int64_t>{1, 2}));
}

TEST_F(CommandLineTest, GarbageInAListOfNumbers) {
  ASSERT_TRUE(line_.Parse({"a", "-t", "1,,2"}));
  EXPECT_THROW(static_cast<void>(line_.GetInts("threads", 1, 8)), InputError);
}

TEST_F(CommandLineTest, NanIsNoNumber) {
  ASSERT_TRUE(line_.Parse({"a", "--name", "nan"}));
  EXPECT_THROW(static_cast<void>(line_.GetDouble("name", 0, 1)), InputError);
}

}  // namespace
}  // namespace deepthin::explorer

#include "tests/house/source_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tests/house/tree.h"

namespace deepthin::house {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Repeated(size_t n, const std::string& line) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += line;
  return text;
}

TEST(SourceRulesTest, FindWhatTheyForbid) {
  EXPECT_THAT(SourceErrors({{"spec/a.cc", "int x;\n// " + std::string("TO") + "DO later\n"}}),
              ElementsAre("spec/a.cc:2 says TODO; unfinished work has an issue"));
  EXPECT_EQ(SourceErrors({{"CMakeLists.txt", "add(-march=native)\nadd(-ffast-math)\n"}}).size(),
            2u);
  EXPECT_THAT(SourceErrors({{"spec/a.h", "int x;\n"}}), ElementsAre("spec/a.h lacks #pragma once"));
  EXPECT_THAT(SourceErrors({{"spec/a.cc", Repeated(400, "x\n")}}), IsEmpty());
  EXPECT_THAT(SourceErrors({{"spec/a.cc", Repeated(401, "x\n")}}),
              ElementsAre("spec/a.cc has 401 lines; at most 400"));
}

TEST(SourceRulesTest, TheTreeKeepsThem) { EXPECT_THAT(SourceErrors(Tree()), IsEmpty()); }

// A type with a field list that the tests do not know could forget a member unseen.
TEST(FieldListsTest, AreAllTested) {
  const auto& files = Tree();
  const auto text_of = [&](const std::string& path) {
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&](const TextFile& file) { return file.path == path; });
    return found == files.end() ? std::string() : found->text;
  };
  const std::string members = text_of("tests/spec/fields_test.cc");
  const std::string round_trip = text_of("tests/spec/json_io_test.cc");
  const std::regex field_list(R"(struct Fields<(\w+)(<\w+>)?> \{)");
  size_t n = 0;
  for (const TextFile& file : files) {
    if (!file.path.starts_with("spec/") || !file.path.ends_with(".h")) continue;
    for (std::sregex_iterator it(file.text.begin(), file.text.end(), field_list), end; it != end;
         ++it) {
      if (file.path == "spec/fields.h") continue;  // the example in its head
      const std::regex name("\\b" + (*it)[1].str() + "\\b");
      EXPECT_TRUE(std::regex_search(members, name)) << (*it)[1] << " in fields_test.cc";
      EXPECT_TRUE(std::regex_search(round_trip, name)) << (*it)[1] << " in json_io_test.cc";
      ++n;
    }
  }
  EXPECT_GE(n, 16u);
}

}  // namespace
}  // namespace deepthin::house

#include "results/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "spec/errors.h"
#include "tests/results/random_values.h"

namespace deepthin::results {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Row = std::vector<std::string>;

TEST(Csv, ReadsQuotedCells) {
  const CsvTable table =
      ParseCsv("a,b,c\r\n1,\"x, y\",\"say \"\"hi\"\"\"\n\"two\nlines\",,\"\"\n", "f.csv");
  EXPECT_THAT(table.columns, ElementsAre("a", "b", "c"));
  EXPECT_THAT(table.rows, ElementsAre(Row{"1", "x, y", "say \"hi\""}, Row{"two\nlines", "", ""}));
}

TEST(Csv, TakesEveryWayToEnd) {
  for (const char* text : {"a,b\n1,2", "a,b\n1,2\n", "a,b\r\n1,2\r\n", "\xEF\xBB\xBF\141,b\n1,2",
                           "a,b\n1,2\n\n", "a,b\n\"1\",\"2\""}) {
    const CsvTable table = ParseCsv(text, "f.csv");
    EXPECT_THAT(table.columns, ElementsAre("a", "b")) << text;
    EXPECT_THAT(table.rows, ElementsAre(Row{"1", "2"})) << text;
  }
  EXPECT_THAT(ParseCsv("a,b", "f.csv").rows, IsEmpty());
  EXPECT_THAT(ParseCsv("a,b\n1,", "f.csv").rows, ElementsAre(Row{"1", ""}));
  EXPECT_THAT(ParseCsv("a\nx\ry\n", "f.csv").rows, ElementsAre(Row{"x\ry"}));
}

std::string MessageFor(const std::string& text) {
  try {
    static_cast<void>(ParseCsv(text, "f.csv"));
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

TEST(Csv, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(MessageFor(""), HasSubstr("f.csv: is empty"));
  EXPECT_THAT(MessageFor("a,b\n1,2\n1,2,3\n"),
              HasSubstr("f.csv: line 3: has 3 cells; expected 2, as in the header"));
  EXPECT_THAT(MessageFor("a,b\n\n1,2\n"), HasSubstr("line 2: has 1 cells"));
  EXPECT_THAT(MessageFor("a,b\n\"1\n2\n3\",x\ny\n"), HasSubstr("line 5: has 1 cells"));
  EXPECT_THAT(MessageFor("a,b\n1,\"2\n"), HasSubstr("line 2: has a quote that is never closed"));
  EXPECT_THAT(MessageFor("a,b\n1,2\"\"\n"), HasSubstr("line 2: has a quote in the middle"));
  EXPECT_THAT(MessageFor("a,b\n\"1\"x,2\n"), HasSubstr("line 2: has text behind a closing quote"));
  EXPECT_THAT(MessageFor("a,b,a\n"), HasSubstr("line 1: names the column 'a' twice"));
}

TEST(Csv, EscapesOnlyWhatNeedsIt) {
  EXPECT_EQ(CsvEscape("plain text"), "plain text");
  EXPECT_EQ(CsvEscape("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvEscape("5\" disk"), "\"5\"\" disk\"");
  EXPECT_EQ(CsvEscape("a\nb"), "\"a\nb\"");
  EXPECT_EQ(CsvEscape(""), "");
  EXPECT_EQ(CsvLine(Row{"a", "", "b,c"}), "a,,\"b,c\"\n");
  EXPECT_EQ(CsvLine(Row{""}), "\"\"\n");
}

TEST(Csv, ReadsBackWhateverItWrites) {
  EXPECT_TRUE(rc::check("any table comes back equal", [] {
    CsvTable table;
    for (int64_t i = 0; i <= RandomBelow(4); ++i) {
      table.columns.push_back(std::to_string(i) + Random<std::string>());
    }
    for (int64_t i = RandomBelow(4); i > 0; --i) {
      Row& row = table.rows.emplace_back();
      for (size_t k = 0; k < table.columns.size(); ++k) row.push_back(Random<std::string>());
    }
    std::string text = CsvLine(table.columns);
    for (const Row& row : table.rows) text += CsvLine(row);
    RC_ASSERT(ParseCsv(text, "f.csv") == table);
  }));
}

TEST(Csv, AnyTextIsReadOrRefused) {
  EXPECT_TRUE(rc::check("any text is a table or an InputError", [] {
    try {
      const CsvTable table = ParseCsv(Random<std::string>() + Random<std::string>(), "f.csv");
      for (const Row& row : table.rows) RC_ASSERT(row.size() == table.columns.size());
    } catch (const InputError&) {
    }
  }));
}

}  // namespace
}  // namespace deepthin::results

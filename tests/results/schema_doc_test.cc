// docs/results-schema.md against the schema itself: it names everything, and its queries run.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "results/sqlite_schema.h"
#include "spec/files.h"
#include "tests/results/asset_content.h"
#include "tests/results/temporary_folder.h"

namespace deepthin::results {
namespace {

using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string Page() { return ReadFile(DEEPTHIN_SOURCE_DIR "/docs/results-schema.md"); }

std::vector<std::string> SqlBlocks(const std::string& page) {
  const std::string begin = "```sql\n";
  std::vector<std::string> blocks;
  for (size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
    at += begin.size();
    blocks.push_back(page.substr(at, page.find("```", at) - at));
  }
  return blocks;
}

class SchemaPage : public ::testing::Test {
 protected:
  SchemaPage() {
    const auto store = OpenSqliteStore(folder_.File("r.db"), OpenMode::kCreateOrExtend);
    store->PutSweep(AssetSweep(), AssetPoints());
    store->PutTrials(AssetSweep().hash, AssetTrials());
  }
  SQLite::Database Open() {
    return OpenDatabase(folder_.File("r.db"), OpenMode::kReadExisting, {}, Migrations());
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(SchemaPage, NamesEveryTableViewAndColumn) {
  const std::string page = Page();
  SQLite::Database database = Open();
  SQLite::Statement relations(database,
                              "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND "
                              "name NOT LIKE 'sqlite_%'");
  int count = 0;
  while (relations.executeStep()) {
    const std::string relation = relations.getColumn(0).getString();
    std::string heading = "\n**";
    heading.append(relation).append("**:");
    const size_t begin = page.find(heading);
    ASSERT_NE(begin, std::string::npos) << relation << " has no paragraph";
    const std::string paragraph = page.substr(begin, page.find("\n\n", begin + 1) - begin);
    SQLite::Statement columns(database, "SELECT name FROM pragma_table_xinfo('" + relation + "')");
    while (columns.executeStep()) {
      std::string quoted(1, '`');
      quoted.append(columns.getColumn(0).getString()).append(1, '`');
      EXPECT_THAT(paragraph, HasSubstr(quoted)) << relation;
    }
    ++count;
  }
  EXPECT_EQ(count, 20 + 4);
}

TEST_F(SchemaPage, SaysTheVersion) {
  const std::string page = Page();
  const std::string version = std::to_string(Migrations().back().version);
  EXPECT_THAT(page, HasSubstr("Schema version: " + version + " "));
  for (const Migration& migration : Migrations()) {
    EXPECT_THAT(page, HasSubstr("\n| " + std::to_string(migration.version) + " | "));
  }
}

TEST_F(SchemaPage, HasQueriesThatRunAndFindSomething) {
  const std::vector<std::string> blocks = SqlBlocks(Page());
  ASSERT_THAT(blocks, SizeIs(Ge(3U)));
  SQLite::Database database = Open();
  for (const std::string& sql : blocks) {
    SQLite::Statement select(database, sql);
    EXPECT_TRUE(select.executeStep()) << sql;
  }
}

}  // namespace
}  // namespace deepthin::results

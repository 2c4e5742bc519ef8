// The paper's tables: whole, and consistent with one another and with our own counting.
#include "results/paper_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "results/csv.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "spec/model_presets.h"

namespace deepthin::results {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::string_view kFolder = DEEPTHIN_SOURCE_DIR "/results/paper";

std::string Cell(const PaperTable& table, const std::vector<std::string>& row,
                 const std::string& column) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), column);
  return found == table.columns.end() ? ""
                                      : row[static_cast<size_t>(found - table.columns.begin())];
}

TEST(PaperTables, AreTheFilesOfTheFolder) {
  std::set<std::string> stems;
  for (const PaperTable& table : PaperTables()) {
    stems.insert(table.stem);
    const CsvTable file =
        ParseCsv(ReadFile(std::string(kFolder) + "/" + table.stem + ".csv"), table.stem);
    EXPECT_EQ(table.columns, file.columns) << table.name;
    EXPECT_EQ(table.rows, file.rows) << table.name;
  }
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".csv") files.insert(entry.path().stem().string());
  }
  EXPECT_EQ(stems, files);
}

TEST(PaperTables, HaveNamesTitlesAndRows) {
  std::set<std::string> names;
  for (const PaperTable& table : PaperTables()) {
    EXPECT_TRUE(names.insert(table.name).second) << table.name;
    EXPECT_THAT(table.title, Not(IsEmpty())) << table.name;
    EXPECT_THAT(table.rows, Not(IsEmpty())) << table.name;
    EXPECT_THAT(table.notes, Not(IsEmpty())) << table.name;
  }
  for (int i = 1; i <= 16; ++i) EXPECT_TRUE(names.contains("table-" + std::to_string(i))) << i;
}

TEST(PaperTables, AreFoundByEveryName) {
  for (const char* name :
       {"table-11", "11", "Table 11", "table11", "TABLE_11", "table11_depth_width_zero_shot"}) {
    EXPECT_EQ(PaperTableByName(name).name, "table-11") << name;
  }
  EXPECT_EQ(PaperTableByName("table-01").name, "table-1");
  EXPECT_EQ(PaperTableByName("figure 3").name, "figure-3");
  EXPECT_EQ(PaperTableByName("param_counts").name, "param-counts");
  for (const PaperTable& table : PaperTables()) {
    EXPECT_EQ(PaperTableByName(table.name), table);
    EXPECT_EQ(PaperTableByName(table.stem), table);
  }
}

TEST(PaperTables, UnknownNamesListTheKnownOnes) {
  for (const char* name : {"table-17", "17", "", "-", "table", "99999999999999999999", "0",
                           "table-11-", "figure-11", "1 1"}) {
    try {
      FAIL() << PaperTableByName(name).name << " for " << name;
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr("the paper has no table '" + std::string(name) +
                                          "' here; expected one of table-1, table-2, "));
      EXPECT_THAT(error.what(), HasSubstr("table-16, figure-2, figure-3, key-facts"));
    }
  }
}

// Printed averages are the means of the eight printed scores. Scores and average are each rounded
// to 0.05, so that together they may be 0.1 apart; all rows but one are within 0.05.
TEST(PaperTables, AveragesAreTheMeansOfTheirScores) {
  const std::vector<std::string> tasks = {"ARC-e", "ARC-c",     "BoolQ", "PIQA",
                                          "SIQA",  "HellaSwag", "OBQA",  "WinoGrande"};
  int rows = 0;
  std::set<std::string> tables;
  std::vector<std::string> apart;
  for (const PaperTable& table : PaperTables()) {
    for (const auto& row : table.rows) {
      const std::string average = Cell(table, row, "Avg");
      if (average.empty()) continue;
      double sum = 0;
      for (const std::string& task : tasks) sum += std::stod(Cell(table, row, task));
      EXPECT_NEAR(std::stod(average), sum / 8, 0.1 + 1e-9) << table.name << ", row " << row[0];
      if (std::abs(std::stod(average) - sum / 8) > 0.05 + 1e-9) apart.push_back(table.name);
      ++rows;
      tables.insert(table.name);
    }
  }
  EXPECT_THAT(tables, ElementsAre("table-1", "table-10", "table-11", "table-13", "table-14",
                                  "table-15", "table-16", "table-2", "table-3", "table-8"));
  EXPECT_GT(rows, 100);
  EXPECT_THAT(apart, ElementsAre("table-13"));  // 350M, heads 8/1: 47.8 printed, 47.74 computed
}

TEST(PaperArchitectures, CountTheirParametersExactly) {
  ASSERT_THAT(PaperArchitectures(), SizeIs(73));
  for (const PaperArchitecture& row : PaperArchitectures()) {
    SCOPED_TRACE(row.table + " " + row.row);
    EXPECT_NO_THROW(Validate(row.spec));
    EXPECT_EQ(CountParams(row.spec).matrices(), row.matrices_only);
    EXPECT_EQ(CountParams(row.spec).total(), row.with_norms);
  }
}

TEST(PaperArchitectures, PrintTheMatricesToTheLastDigit) {
  int with_norms_too = 0;
  for (const PaperArchitecture& row : PaperArchitectures()) {
    SCOPED_TRACE(row.table + " " + row.row);
    const double unit = row.params_printed.back() == 'B' ? 1e9 : 1e6;
    const double printed = std::stod(row.params_printed);
    const double half = row.params_printed.find('.') == std::string::npos ? 0.5 : 0.05;
    EXPECT_NEAR(static_cast<double>(row.matrices_only) / unit, printed, half + 1e-9);
    if (std::abs(static_cast<double>(row.with_norms) / unit - printed) <= half) ++with_norms_too;
  }
  EXPECT_EQ(with_norms_too, 48);  // the note of param-counts says so
}

TEST(PaperArchitectures, AreThoseOfTheTablesAndPresets) {
  const auto find = [](const std::string& table, const std::string& row) {
    for (const PaperArchitecture& entry : PaperArchitectures()) {
      if (entry.table == table && entry.row == row) return entry.spec;
    }
    ADD_FAILURE() << table << " " << row;
    return ModelSpec{};
  };
  EXPECT_EQ(find("table-9", "MobileLLM-125M"), ModelPresetByName("mobilellm-125m"));
  EXPECT_EQ(find("table-10", "350M + Layer sharing"), ModelPresetByName("mobilellm-ls-350m"));
  const ModelSpec relu = find("table-10", "125M Baseline model");
  EXPECT_EQ(relu.ffn, Ffn::kRelu);
  EXPECT_EQ(relu.d_ff, 4 * relu.d_model);
  for (const PaperArchitecture& row : PaperArchitectures()) {
    EXPECT_EQ(row.spec.head_dim, row.spec.d_model / row.spec.n_heads);
    if (row.spec.ffn == Ffn::kSwiglu) {
      EXPECT_EQ(row.spec.d_ff, PaperFfnDim(row.spec.d_model));
    }
  }
}

// Every row of the depth study has its architecture, found by its printed size.
TEST(PaperArchitectures, CoverTable11) {
  const PaperTable& table = PaperTableByName("11");
  std::vector<const PaperArchitecture*> rows;
  for (const PaperArchitecture& row : PaperArchitectures()) {
    if (row.table == table.name) rows.push_back(&row);
  }
  ASSERT_EQ(rows.size(), table.rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(std::to_string(rows[i]->spec.n_blocks), Cell(table, table.rows[i], "layers"));
    EXPECT_EQ(std::to_string(rows[i]->spec.d_model), Cell(table, table.rows[i], "dim"));
    EXPECT_EQ(std::to_string(rows[i]->spec.n_heads), Cell(table, table.rows[i], "heads"));
    EXPECT_EQ(rows[i]->params_printed, Cell(table, table.rows[i], "params_M"));
  }
}

}  // namespace
}  // namespace deepthin::results

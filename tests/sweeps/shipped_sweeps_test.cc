// The shipped definitions say what the paper's tables say.
#include <gtest/gtest.h>

#include <map>

#include "results/paper_tables.h"
#include "sweeps/sweep.h"

namespace deepthin::sweeps {
namespace {

std::vector<ModelSpec> ModelsOf(const std::string& name) {
  std::vector<ModelSpec> models;
  for (const results::Point& point : PointsOf(SweepFromArgument(name), name)) {
    models.push_back(std::get<Problem>(point.problem).model);
  }
  return models;
}

// The architectures of a table whose row begins with `size`, training lengths apart.
std::vector<ModelSpec> PaperRows(const std::string& table, const std::string& size) {
  std::vector<ModelSpec> models;
  for (const results::PaperArchitecture& row : results::PaperArchitectures()) {
    if (row.table == table && row.row.starts_with(size) &&
        row.row.find("1T token") == std::string::npos)
      models.push_back(row.spec);
  }
  return models;
}

TEST(ShippedSweeps, EveryOneResolvesAndHasOnlyValidPoints) {
  EXPECT_EQ(ShippedSweeps().size(), 8u);
  for (const EmbeddedFile& file : ShippedSweeps()) {
    SCOPED_TRACE(file.name);
    const std::string stem(file.name.substr(0, file.name.rfind('.')));
    const Sweep sweep = SweepFromArgument(stem);
    EXPECT_EQ(sweep.name, stem);
    EXPECT_FALSE(sweep.description.empty());
    for (const results::Point& point : PointsOf(sweep, stem)) {
      EXPECT_TRUE(std::holds_alternative<Problem>(point.problem)) << point.label;
    }
  }
}

TEST(ShippedSweeps, Table11HasTheRowsOfThePaper) {
  EXPECT_EQ(ModelsOf("table-11-125m"), PaperRows("table-11", "125M"));
  EXPECT_EQ(ModelsOf("table-11-125m").size(), 9u);
  EXPECT_EQ(ModelsOf("table-11-350m"), PaperRows("table-11", "350M"));
  EXPECT_EQ(ModelsOf("table-11-350m").size(), 10u);
}

TEST(ShippedSweeps, Table10HasTheStepsOfThePaperTheLastWithRepeatedBlocks) {
  for (const std::string size : {"125", "350"}) {
    SCOPED_TRACE(size);
    const std::vector<ModelSpec> expected = PaperRows("table-10", size + "M");
    ASSERT_EQ(expected.size(), 6u);
    EXPECT_EQ(expected.back().repeat, RepeatScheduleFromText("immediate:2"));
    EXPECT_EQ(ModelsOf("table-10-" + size + "m"), expected);
  }
}

TEST(ShippedSweeps, Table14RepeatsTheModelsOfTable13With16Heads) {
  std::vector<ModelSpec> expected;
  for (const std::string row : {"125M 16/16", "350M 16/16"}) {
    for (const int64_t times : {1, 2, 3, 4}) {
      ModelSpec model = PaperRows("table-13", row).front();
      if (times > 1) model.repeat = {.kind = RepeatKind::kImmediate, .times = times, .order = {}};
      expected.push_back(model);
    }
  }
  EXPECT_EQ(ModelsOf("table-14"), expected);
}

TEST(ShippedSweeps, Table1HasTheRowsOfThePaper) {
  EXPECT_EQ(ModelsOf("table-1"), PaperRows("table-1", ""));
  EXPECT_EQ(ModelsOf("table-1").size(), 3u);
}

// Each size as it is, then twice in each of three orders; the models are those of table 14.
TEST(ShippedSweeps, Table2RepeatsTheModelsOfTable14InEachOrder) {
  std::vector<ModelSpec> expected;
  for (const size_t first : {size_t{0}, size_t{4}}) {
    for (const RepeatKind kind : {RepeatKind::kNone, RepeatKind::kImmediate, RepeatKind::kRepeatAll,
                                  RepeatKind::kReverse}) {
      ModelSpec model = ModelsOf("table-14")[first];
      if (kind != RepeatKind::kNone) model.repeat = {.kind = kind, .times = 2, .order = {}};
      expected.push_back(model);
    }
  }
  EXPECT_EQ(ModelsOf("table-2"), expected);
}

TEST(ShippedSweeps, TheDemoStaysNear125M) {
  for (const ModelSpec& model : ModelsOf("demo")) {
    const auto params = static_cast<double>(CountParams(model).matrices());
    EXPECT_GT(params, 115e6);
    EXPECT_LT(params, 165e6);
  }
}

}  // namespace
}  // namespace deepthin::sweeps

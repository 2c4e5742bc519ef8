// The surrogate on made-up training whose law is known, and on the paper's rows.
#include "explorer/accuracy/shape_surrogate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "explorer/accuracy/paper_runs.h"
#include "explorer/accuracy/proxy_table.h"
#include "explorer/accuracy/ranking.h"
#include "explorer/accuracy/shape_features.h"
#include "spec/rank_stats.h"
#include "tests/explorer/accuracy/trained_rows.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;

TEST(FeaturesOf, ByHand) {
  ModelSpec spec{.d_model = 64,
                 .n_blocks = 3,
                 .n_heads = 4,
                 .n_kv_heads = 2,
                 .head_dim = 32,
                 .d_ff = 128,
                 .tie_embeddings = false};
  spec.repeat = RepeatScheduleFromText("reverse:2");
  const double blocks = 3 * (64 * 128 * 2 + 64 * 64 * 2 + 3 * 64 * 128);
  const ShapeFeatures expected = {std::log(blocks),
                                  std::log(3.0),
                                  std::log(2.0),
                                  std::log(64.0),
                                  std::log(2.0),
                                  std::log(32.0),
                                  std::log(2.0),
                                  -std::log(2.0),
                                  1,
                                  0};
  const ShapeFeatures features = FeaturesOf(spec);
  for (size_t f = 0; f < features.size(); ++f) {
    EXPECT_NEAR(features[f], expected[f], 1e-12) << kShapeFeatures[f];
  }
}

TEST(ShapeSurrogate, LearnsALawAndKnowsHowWell) {
  constexpr double kNoise = 0.3;
  const auto surrogate = FitShapeSurrogate(MadeUpRows(60, kNoise, 1));
  EXPECT_NEAR(surrogate.noise(), kNoise, 0.1);
  std::vector<double> predicted;
  std::vector<double> targets;
  int64_t covered = 0;
  for (const TrainedRow& row : MadeUpRows(400, kNoise, 2)) {
    const Prediction prediction = surrogate.Predict(row.model, "long");
    predicted.push_back(prediction.value);
    targets.push_back(row.target);
    const double miss = std::abs(prediction.value - row.target);
    covered += miss <= kNinetyPercent * prediction.standard_error ? 1 : 0;
  }
  EXPECT_GT(KendallTau(predicted, targets), 0.8);
  EXPECT_GE(covered, 400 * 80 / 100);
  EXPECT_LE(covered, 400 * 97 / 100);
}

TEST(ShapeSurrogate, GroupsDifferByAnOffset) {
  std::vector<TrainedRow> rows = MadeUpRows(60, 0.1, 3);
  for (size_t i = 0; i < rows.size(); i += 3) {
    rows[i].group = "longer";
    rows[i].target += 5;
  }
  const auto surrogate = FitShapeSurrogate(rows);
  EXPECT_EQ(surrogate.LargestGroup(), "long");
  const ModelSpec& spec = rows[1].model;
  const double gain =
      surrogate.Predict(spec, "longer").value - surrogate.Predict(spec, "long").value;
  EXPECT_NEAR(gain, 5, 0.3);
  EXPECT_THAT(InputErrorOf([&] { return surrogate.Predict(spec, "short").value; }),
              HasSubstr("the group: is 'short'; expected one of longer, long"));
}

TEST(ShapeSurrogate, TheOrderOfTheRowsDoesNotMatterAndAReprintIsNoNewRun) {
  std::vector<TrainedRow> rows = MadeUpRows(40, 0.3, 4);
  const auto one = FitShapeSurrogate(rows);
  std::reverse(rows.begin(), rows.end());
  rows.push_back(rows[7]);
  rows.back().table = "b";
  rows.back().name = "the same again";
  const auto two = FitShapeSurrogate(rows);
  EXPECT_EQ(two.rows(), one.rows());
  for (const TrainedRow& row : MadeUpRows(20, 0, 5)) {
    const Prediction a = one.Predict(row.model, "long");
    const Prediction b = two.Predict(row.model, "long");
    EXPECT_NEAR(a.value, b.value, 1e-4);
    EXPECT_NEAR(a.standard_error, b.standard_error, 1e-4);
  }
}

TEST(ShapeSurrogate, KnowsItsRowsAndNotWhatIsFarFromThem) {
  const std::vector<TrainedRow> rows = PaperRuns(PaperTarget::kAverage);
  const auto surrogate = FitShapeSurrogate(rows);
  for (const TrainedRow& row : rows) {
    EXPECT_TRUE(surrogate.Predict(row.model, row.group).in_domain) << row.name;
  }
  ModelSpec spec = rows[6].model;
  ASSERT_EQ(rows[6].name, "125M 30L");
  spec.n_blocks = 300;
  EXPECT_FALSE(surrogate.Predict(spec, kPaperGroup).in_domain);
  spec = rows[6].model;
  spec.n_heads = spec.n_kv_heads = 2;
  spec.head_dim = 256;
  EXPECT_EQ(surrogate.Predict(spec, kPaperGroup).out_of_domain, "head_dim");
}

// Each feature within its range, but not together: wide and shallow with many blocks' parameters.
TEST(ShapeSurrogate, ACombinationCanBeBeyondTheRows) {
  std::vector<TrainedRow> rows = MadeUpRows(30, 0.1, 6);
  for (TrainedRow& row : rows) {  // deep is wide
    row.model = rows[0].model;
    row.model.repeat = {};
    row.model.n_blocks = 4 + row.model.n_blocks % 2;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].model.n_blocks = 4 + static_cast<int64_t>(i);
    rows[i].model.d_ff = 512 + 64 * static_cast<int64_t>(i);
    rows[i].target = static_cast<double>(i) + 0.1 * static_cast<double>(i % 3);
  }
  const auto surrogate = FitShapeSurrogate(rows);
  EXPECT_TRUE(surrogate.Predict(rows[15].model, "long").in_domain);
  ModelSpec odd = rows[15].model;
  odd.n_blocks = rows.front().model.n_blocks;
  odd.d_ff = rows.back().model.d_ff;
  EXPECT_FALSE(surrogate.Predict(odd, "long").in_domain);
}

TEST(FitShapeSurrogate, RefusesWhatCannotBeFitted) {
  std::vector<TrainedRow> rows = MadeUpRows(4, 0.1, 7);
  EXPECT_THAT(InputErrorOf([&] { return FitShapeSurrogate(rows).rows(); }),
              HasSubstr("the trained rows: are 4; expected at least 5"));
  rows = MadeUpRows(10, 0.1, 7);
  rows[3].target = std::nan("");
  EXPECT_THAT(InputErrorOf([&] { return FitShapeSurrogate(rows).rows(); }),
              HasSubstr("/3/target: is not finite"));
  rows = MadeUpRows(10, 0.1, 7);
  rows[2].model.n_heads = 7;
  rows[2].model.n_kv_heads = 2;
  EXPECT_THAT(InputErrorOf([&] { return FitShapeSurrogate(rows).rows(); }),
              HasSubstr("/2/model/n_kv_heads"));
}

// Equal shapes or equal targets are no error: there is nothing to learn, and it says so by
// intervals.
TEST(FitShapeSurrogate, TakesRowsThatTeachNothing) {
  std::vector<TrainedRow> rows = MadeUpRows(8, 0.5, 8);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].model = rows[0].model;
    rows[i].target = static_cast<double>(i % 4) + 0.01 * static_cast<double>(i);
  }
  const Prediction same_shape = FitShapeSurrogate(rows).Predict(rows[0].model, "long");
  EXPECT_NEAR(same_shape.value, 1.5, 0.2);
  EXPECT_GT(same_shape.standard_error, 0.5);
  rows = MadeUpRows(8, 0.5, 8);
  for (TrainedRow& row : rows) row.target = 3;
  EXPECT_NEAR(FitShapeSurrogate(rows).Predict(rows[0].model, "long").value, 3, 1e-6);
}

TEST(WithoutTable, LeavesNoModelOfTheTable) {
  const std::vector<TrainedRow> rows = PaperRuns(PaperTarget::kAverage);
  for (const char* table : {"table-11", "table-13", "table-2/14", "table-10", "table-1"}) {
    const std::vector<TrainedRow> left = WithoutTable(rows, table);
    EXPECT_GT(left.size(), 20u);
    for (const TrainedRow& row : rows) {
      if (row.table != table) continue;
      EXPECT_TRUE(std::none_of(left.begin(), left.end(), [&](const TrainedRow& other) {
        return other.model == row.model;
      })) << row.name;
    }
  }
}

TEST(ShapeSurrogateProxy, SettingsAreReadAndRefused) {
  const auto refusal = [](const Json& settings, const ProxyContext& context) {
    return InputErrorOf([&] {
      return MakeProxy("shape_surrogate", settings, {"a", "/s"}, context)->Identity();
    });
  };
  EXPECT_THAT(refusal({{"target", "race"}}, {}), HasSubstr("a: /s/target: is 'race'"));
  EXPECT_THAT(refusal({{"rows", "no-such-file.csv"}}, {}), HasSubstr("no-such-file.csv"));
  ProxyContext own;
  own.rows = MadeUpRows(12, 0.1, 9);
  EXPECT_THAT(refusal({{"target", "average"}}, own), HasSubstr("other rows than the paper's"));
  EXPECT_EQ(refusal(Json::object(), own), "");
  own.group = "short";
  const auto proxy = MakeProxy("shape_surrogate", Json::object(), {}, own);
  EXPECT_THAT(InputErrorOf([&] { return proxy->Score(own.rows[0].model); }), HasSubstr("'short'"));
}

TEST(ShapeSurrogateProxy, OtherRowsAreAnotherIdentity) {
  const auto identity = [](const Json& settings, const ProxyContext& context) {
    return MakeProxy("shape_surrogate", settings, {}, context)->Identity();
  };
  ProxyContext own;
  own.rows = MadeUpRows(12, 0.1, 10);
  const Json first = identity(Json::object(), own);
  EXPECT_EQ(identity(Json::object(), own), first);
  own.rows[5].target += 1e-9;
  EXPECT_NE(identity(Json::object(), own), first);
  EXPECT_NE(identity({{"target", "hellaswag"}}, {}), identity(Json::object(), {}));
}

}  // namespace
}  // namespace deepthin::explorer

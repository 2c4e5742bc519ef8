#include "explorer/experiment/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/explorer/experiment/tiny_experiment.h"
#include "tests/runtime/error_text.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Deeper by one row is better by 0.1, a seed makes `noise`, alike for all models or not.
ExperimentResults Deep(double common_noise, double own_noise) {
  return ResultsWith(TinyExperiment(),
                     [=](const ExperimentSweep& sweep, const results::Point& point) {
                       const auto seed = static_cast<double>(sweep.seed - 2);
                       const double sign = point.index % 2 == 0 ? 1 : -1;
                       return 5 - 0.1 * static_cast<double>(point.index) + common_noise * seed +
                              own_noise * seed * sign + 10 * std::abs(sweep.learning_rate - 0.004);
                     });
}

TEST(ExperimentPage, SaysWhatItIsMadeOf) {
  ExperimentResults results = Deep(0.01, 0.001);
  EXPECT_THAT(ExperimentPage(results, "a command"),
              HasSubstr("Written by `a command`; do not edit."));
  EXPECT_THAT(ExperimentPage(results, ""), HasSubstr("**Made of 36 of 36 runs** (0 diverged"));
  EXPECT_THAT(ExperimentPage(results, ""), HasSubstr("| depth | 9 | 27 | 27 | 0 |"));
  results.rows.resize(8);
  const std::string part = ExperimentPage(results, "");
  EXPECT_THAT(part, HasSubstr("**Made of 8 of 36 runs**"));
  EXPECT_THAT(part, HasSubstr("| depth | 9 | 2 | 27 | 0 |"));
  EXPECT_THAT(part, HasSubstr("No model has two seeds yet"));
  EXPECT_THAT(part, HasSubstr("No run of this group has been made"));
  results.rows.clear();
  EXPECT_THAT(ExperimentPage(results, ""), HasSubstr("**Made of 0 of 36 runs**"));
}

TEST(ExperimentPage, ShowsTheOrderAndItsError) {
  const std::string page = ExperimentPage(Deep(0.01, 0.001), "");
  EXPECT_THAT(page, HasSubstr("Lowest mean loss: **62x384** (4.2000)."));
  EXPECT_THAT(page, HasSubstr("Every other one is worse by more than the error."));
  EXPECT_THAT(page, HasSubstr("One seed suffices"));
  // Depth is the order itself; what a seed makes for all alike does not blur a difference.
  EXPECT_THAT(page, HasSubstr("with executed blocks 1.00"));
  EXPECT_THAT(page, HasSubstr("The order agrees with the paper's HellaSwag."));
  EXPECT_THAT(page, HasSubstr("| 62x384 | 48 | 1.71M | 1.76M | 3 | 4.2000 ± "));
  EXPECT_THAT(page, HasSubstr("-0.5000 ± 0.00"));
  EXPECT_THAT(page, HasSubstr("better here, within the paper's error"));
  EXPECT_THAT(page, HasSubstr("| 44.7 | 36.2 |"));
}

TEST(ExperimentPage, SaysThatNoiseIsNoise) {
  const std::string page = ExperimentPage(Deep(0, 2), "");
  EXPECT_THAT(page, HasSubstr("the order of these shapes is noise"));
  EXPECT_THAT(page, HasSubstr("Not to be told from it: "));
  EXPECT_THAT(page, HasSubstr("within the error here"));
  EXPECT_THAT(page, Not(HasSubstr("Every other one is worse")));
}

TEST(ExperimentPage, SaysWhichLearningRateIsBestAndWhereItIsAtAnEnd) {
  EXPECT_THAT(ExperimentPage(Deep(0, 0), ""),
              HasSubstr("- 4x1280: lowest at 0.004; at 0.004 the loss is 0.0000 above that."));
  const auto rising = ResultsWith(TinyExperiment(), [](const ExperimentSweep& sweep, const auto&) {
    return 3 + 100 * sweep.learning_rate;
  });
  const std::string page = ExperimentPage(rising, "");
  EXPECT_THAT(page, HasSubstr("- 62x384: lowest at 0.002, an end of the range"));
  EXPECT_THAT(page, HasSubstr("at 0.004 the loss is 0.2000 above that"));
  EXPECT_THAT(page, HasSubstr("one rate for all costs differs by 0.0000"));
}

TEST(ExperimentPage, ShowsWhatDiverged) {
  const auto results = ResultsWith(TinyExperiment(), [](const ExperimentSweep& sweep, const auto&) {
    return sweep.learning_rate > 0.005 ? std::nan("") : 3.5;
  });
  const std::string page = ExperimentPage(results, "");
  EXPECT_THAT(page, HasSubstr("(2 diverged"));
  EXPECT_THAT(page, HasSubstr("| 4x1280 | 3.5000 | 3.5000 | diverged |"));
}

TEST(ExperimentPage, RefusesRowsThatThePaperHasNot) {
  const auto error = [](const char* pointer, const char* value) {
    Json json = TinyDefinition();
    json[Json::json_pointer(pointer)] = value;
    const auto results = ResultsWith(ExperimentFromJson(json, "tiny.json"),
                                     [](const auto&, const auto&) { return 3.0; });
    return runtime::ErrorText<InputError>([&] { static_cast<void>(ExperimentPage(results, "")); });
  };
  EXPECT_THAT(error("/groups/1/paper/first", "350M"), HasSubstr("10 rows with Avg for 9 models"));
  EXPECT_THAT(error("/groups/1/paper/table", "table-99"), HasSubstr("table-99"));
  EXPECT_THAT(error("/groups/1/reference", "13x768"), HasSubstr("/reference: is '13x768'"));
}

}  // namespace
}  // namespace deepthin::explorer

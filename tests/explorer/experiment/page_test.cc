#include "explorer/experiment/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string_view>

#include "spec/files.h"
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
  EXPECT_THAT(part, HasSubstr("## Not begun\n\nNo run has been made yet of: shapes.\n"));
  EXPECT_THAT(part, Not(HasSubstr("## shapes")));
  results.rows.clear();
  EXPECT_THAT(ExperimentPage(results, ""), HasSubstr("**Made of 0 of 36 runs**"));
}

TEST(ExperimentPage, ShowsTheOrderAndItsError) {
  const std::string page = ExperimentPage(Deep(0.01, 0.001), "");
  EXPECT_THAT(page, HasSubstr("Lowest mean loss: **62x384** (4.2000)."));
  EXPECT_THAT(page, HasSubstr("Every other one is worse by more than the error."));
  EXPECT_THAT(page, HasSubstr("One seed suffices"));
  // Depth is the order itself; what a seed makes for all alike does not blur a difference.
  EXPECT_THAT(page, HasSubstr("| executed blocks | 1.00 | 1.00 to 1.00 |"));
  EXPECT_THAT(page, HasSubstr("; it agrees with the paper's HellaSwag (Kendall's tau "));
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

// Losses in the order of the paper's HellaSwag, or the other way round.
TEST(ExperimentPage, SaysInShortHowTheOrderLiesToThePapers) {
  const double hella_swag[] = {32.9, 33.5, 34.0, 34.6, 34.2, 36.2, 36.5, 36.3, 36.2};
  for (const double sign : {-1.0, 1.0}) {
    const auto results =
        ResultsWith(TinyExperiment(), [&](const ExperimentSweep& sweep, const auto& point) {
          return sweep.group == 1 ? 9 + sign * hella_swag[point.index] * 0.1 : 3.0;
        });
    const std::string page = ExperimentPage(results, "");
    const std::string in_short =
        page.substr(page.find("## In short"), page.find("## rates") - page.find("## In short"));
    const std::string tau = sign < 0 ? "1.00, 1.00 to 1.00" : "-1.00, -1.00 to -1.00";
    EXPECT_THAT(in_short, HasSubstr("the order of 9 models "));
    EXPECT_THAT(in_short, HasSubstr(std::string(sign < 0 ? "agrees with" : "is the reverse of") +
                                    " the paper's HellaSwag (Kendall's tau " + tau + ")"));
    EXPECT_THAT(page,
                HasSubstr("| the paper's HellaSwag | " + tau.substr(0, tau.find(',')) + " | "));
  }
}

TEST(ExperimentPage, RanksPartsOfTheRunsByWhatTheModelsHaveInCommon) {
  // A seed makes 1, a row 0.1: with seed 3 of half of the models their own means would be an order
  // of the seeds.
  ExperimentResults results = Deep(1, 0);
  std::erase_if(results.rows, [&](const ExperimentRow& row) {
    const ExperimentSweep& sweep = results.sweeps[row.sweep];
    return sweep.group == 1 && sweep.seed == 3 && row.point < 4;
  });
  const std::string page = ExperimentPage(results, "");
  EXPECT_THAT(page, HasSubstr("| executed blocks | 1.00 | 1.00 to 1.00 |"));
  EXPECT_THAT(page, HasSubstr("what all of these models have, seeds 1, 2:"));
  EXPECT_THAT(page, HasSubstr("| 62x384 | 48 | 1.71M | 1.76M | 3 | 3.7000 ± "));
  EXPECT_THAT(page, HasSubstr("-0.5000 ± 0.00"));
  EXPECT_THAT(ExperimentPage(Deep(1, 0), ""), Not(HasSubstr("all of these models have")));
}

TEST(ExperimentPage, SaysLittleOfALearningRateUntilAllWereTried) {
  ExperimentResults results = Deep(0, 0);
  std::erase_if(results.rows, [&](const ExperimentRow& row) {
    const ExperimentSweep& sweep = results.sweeps[row.sweep];
    return sweep.group == 0 && sweep.learning_rate > 0.005 && row.point == 1;
  });
  const std::string page = ExperimentPage(results, "");
  EXPECT_THAT(page, HasSubstr("- 4x1280: lowest at 0.004"));
  EXPECT_THAT(page, HasSubstr("- 62x384: 2 of 3 rates tried yet"));
  EXPECT_THAT(page, Not(HasSubstr("What one rate for all costs")));
}

// The loss is what the shapes make of it, in many shapes.
TEST(ExperimentPage, ShowsWhatAShapesPropertiesDo) {
  Json json = TinyDefinition();
  json["groups"][2]["random"]["count"] = 40;
  ExperimentResults results = ResultsWith(
      ExperimentFromJson(json, "tiny.json"), [](const auto& sweep, const results::Point& point) {
        const ModelSpec& model = std::get<Problem>(point.problem).model;
        const double noise = 1e-4 * static_cast<double>(point.index % 3);
        return sweep.group != 2 ? 3.0
                                : 4 - 0.02 * std::log2(model.n_blocks) +
                                      (model.tie_embeddings ? 0.05 : 0) + noise;
      });
  const std::string page = ExperimentPage(results, "");
  EXPECT_THAT(page, HasSubstr("| twice the blocks, so narrower ones | -0.02"));
  EXPECT_THAT(page, HasSubstr(" | better, as in the paper | deeper is better |"));
  EXPECT_THAT(page, HasSubstr("| tied embeddings, so more for the blocks | +0.0"));
  EXPECT_THAT(page, HasSubstr(" | worse, against the paper | better for the size (table 1) |"));
  EXPECT_THAT(page, HasSubstr("| each block executed twice | "));
  EXPECT_THAT(page, HasSubstr("- shapes: twice the blocks, so narrower ones: loss -0.02"));
  // The ends of the order, not forty lines.
  EXPECT_THAT(page, HasSubstr("\n| 3 | "));
  EXPECT_THAT(page, Not(HasSubstr("\n| 4 | ")));
  EXPECT_THAT(page, Not(HasSubstr("\n| 37 | ")));
  EXPECT_THAT(page, HasSubstr("\n| 40 | "));
  EXPECT_THAT(page,
              HasSubstr("40 of 40 random shapes of 1.00M parameters (± 5 %), one run each: "));
  EXPECT_THAT(page, HasSubstr("; of a run by its seed, as another group has it: 0.0000."));
  std::erase_if(results.rows, [&](const ExperimentRow& row) {
    return results.sweeps[row.sweep].group == 2 && row.point >= 5;
  });
  EXPECT_THAT(ExperimentPage(results, ""), HasSubstr("These are too few to say"));
}

TEST(ExperimentPage, JudgesShapesByTheSeedsThatAllHave) {
  // A seed makes 1, a shape 0.1: by its own mean the first shape, which alone has seed 3, is last.
  Json json = TinyDefinition();
  json["groups"][2]["seeds"] = 3;
  ExperimentResults results = ResultsWith(
      ExperimentFromJson(json, "tiny.json"), [](const auto& sweep, const results::Point& point) {
        return 4 + static_cast<double>(sweep.seed) + 0.1 * static_cast<double>(point.index);
      });
  EXPECT_THAT(ExperimentPage(results, ""), HasSubstr(" %), 3 runs each: losses from 6.0000 to "));
  std::erase_if(results.rows, [&](const ExperimentRow& row) {
    const ExperimentSweep& sweep = results.sweeps[row.sweep];
    return sweep.group == 2 && sweep.seed == 3 && row.point > 0;
  });
  const std::string page = ExperimentPage(results, "");
  EXPECT_THAT(page,
              HasSubstr(" %), 2 to 3 runs each: losses from 5.5000 to 5.7000. Losses are means "
                        "over what all of these models have, seeds 1, 2: "));
  EXPECT_THAT(page, HasSubstr("\n| 1 | #1 "));
  EXPECT_THAT(page,
              HasSubstr("- Shapes: their means have a standard deviation of 0.1000, 0.1000 "));
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

TEST(ExperimentPage, ShowsTheSampleWithItsRun) {
  ExperimentResults results = Deep(0.01, 0.001);
  EXPECT_THAT(ExperimentPage(results, ""), Not(HasSubstr("What the best run writes")));
  const ExperimentRow* best = BestRun(results);
  std::string words;
  for (int i = 0; i < 40; ++i) words += " whale";
  results.sample = SampleOf(*best, words + "\n```\n# No heading\x1b\x7f");
  const std::string page = ExperimentPage(results, "");
  const std::string section = page.substr(page.find("## What the best run writes"));
  EXPECT_THAT(section, HasSubstr("**62x384** of group depth (learning rate 0.004, seed 1) has of "
                                 "all runs the lowest validation loss, 4.1890"));
  EXPECT_THAT(section, HasSubstr("behind \"Call me\", which was given"));
  EXPECT_THAT(section, HasSubstr("seed 7, temperature 0.75, at most 40 tokens"));
  EXPECT_THAT(section, HasSubstr("\n````text\nCall me whale whale "));
  EXPECT_THAT(section, HasSubstr("\n```\n# No heading \n````\n"));  // not closed by the text
  for (size_t begin = section.find("````"); begin < section.size();) {
    const size_t end = section.find('\n', begin);
    EXPECT_LE(end - begin, 97u);
    begin = end + 1;
  }
  // Of another run it does not claim to be the best.
  results.sample = SampleOf(results.rows.front(), "");
  EXPECT_THAT(ExperimentPage(results, ""), HasSubstr("**4x1280** of group rates (learning rate "
                                                     "0.002, seed 1) has this validation loss"));
}

// The command in its head writes it.
TEST(ExperimentPage, IsWhatTheDocumentationHas) {
  const std::string root = std::string(DEEPTHIN_SOURCE_DIR) + "/";
  constexpr std::string_view kCommand = "deepthin experiment page ";
  int pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root + "docs")) {
    if (!entry.path().filename().string().starts_with("experiment-")) continue;
    const std::string page = ReadFile(entry.path());
    const size_t begin = page.find('`') + 1;
    const std::string command = page.substr(begin, page.find('`', begin) - begin);
    ASSERT_THAT(command, testing::StartsWith(std::string(kCommand)));
    const std::string file = command.substr(kCommand.size());
    EXPECT_EQ(page, ExperimentPage(ResultsFromText(ReadFile(root + file), file), command));
    ++pages;
  }
  EXPECT_GE(pages, 1);
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

// The models that MobileLLM trained and scored, as trained rows: what the surrogate is fitted to
// where its user has nothing better, and what all proxies are judged by.
//
// Left out are models that others trained: their data and recipes differ. That includes Table 10's
// first 125M row, whose scores are those of OPT-125M.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "explorer/accuracy/trained_row.h"

namespace deepthin::explorer {

enum class PaperTarget {
  kAverage,    // mean of the eight zero-shot tasks, points
  kHellaSwag,  // alone, points
  kTqa,        // TriviaQA, mean F1 of 1, 5 and 64 shots, points; Table 12
  kRace,       // mean of the accuracies on RACE middle and high, points; Table 12
};

// Every row of tables 1, 2, 8, 10, 11, 13 and 14 (or of Table 12) that has such a score.
//   name            "125M 30L"; begins with the class of size
//   group           "0.25T" or "1T": the tokens that it was trained with
//   table           "table-11"; tables 2 and 14, of the same models, are one: "table-2/14"
//   standard_error  of the evaluation, from its numbers of questions; absent for TQA, whose F1 is
//   no
//                   share of right answers
// Runs that several tables print stand there several times, equal in all but name and table.
[[nodiscard]] std::vector<TrainedRow> PaperRuns(PaperTarget target);

// The tokens that most rows were trained with: what a prediction is for.
inline constexpr std::string_view kPaperGroup = "0.25T";

}  // namespace deepthin::explorer

template <>
struct deepthin::EnumTexts<deepthin::explorer::PaperTarget> {
  static constexpr std::array kList = {
      std::pair{explorer::PaperTarget::kAverage, std::string_view("average")},
      std::pair{explorer::PaperTarget::kHellaSwag, std::string_view("hellaswag")},
      std::pair{explorer::PaperTarget::kTqa, std::string_view("tqa")},
      std::pair{explorer::PaperTarget::kRace, std::string_view("race")}};
};

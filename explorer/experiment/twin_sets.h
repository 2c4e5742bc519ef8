// What an experiment's small twins say of proxies: sets that proxies are judged by, and the twins'
// own losses as scores of the paper's models, whose twins they are.
#pragma once

#include <string>
#include <vector>

#include "explorer/accuracy/kept_scores.h"
#include "explorer/accuracy/scoreboard.h"
#include "explorer/experiment/results_file.h"

namespace deepthin::explorer {

// The group of random shapes that fitted proxies are fitted to, and the one they are judged by.
inline constexpr const char* kCalibrationGroup = "calibration";
inline constexpr const char* kHeldOutGroup = "held-out";
// The target of these sets.
inline constexpr const char* kTwinTarget = "minus validation loss";

struct TwinSets {
  std::string experiment;  // its name
  // The held-out group, then each group of twins that asks no learning rate, in the experiment's
  // order; fitted proxies are fitted to the calibration group. Where it or a set's group lacks a
  // run of some model, the set has no pool, or is not there.
  std::vector<JudgedSet> sets;
  // The paper's rows of a group's models, where PaperSets() has no set of just these: by the
  // average and by HellaSwag.
  std::vector<JudgedSet> paper_sets;
  // By the paper's model: short_training's score without settings, from its twin. Of groups that
  // are alike.
  KeptScores scores;
  std::string scored_group;  // of their TrainedRows; empty: there are no scores
  // What is not there and why: a sentence each.
  std::vector<std::string> left_out;
};

// file: as people know it. Throws InputError.
[[nodiscard]] TwinSets TwinSetsOf(const ExperimentResults& results, const std::string& file);

// Adds what the twins are judged by and judge: their sets and, as "short_training (NAME)", their
// scores. The proxies refer to `twins`.
void AddTwins(const TwinSets& twins, std::vector<JudgedSet>& sets,
              std::vector<AskedProxy>& proxies);

}  // namespace deepthin::explorer

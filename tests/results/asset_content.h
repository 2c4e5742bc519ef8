// What tests/assets/results_v*.db hold, value by value. Do not change the values: the committed
// files have them. Also the everyday sample of the other tests.
#pragma once

#include <string>
#include <vector>

#include "results/store.h"

namespace deepthin::results {

[[nodiscard]] Problem AssetProblem();
[[nodiscard]] SweepRecord AssetSweep();
// Two problems and one infeasible point.
[[nodiscard]] std::vector<Point> AssetPoints();
// One outcome of each kind; the failure is a first attempt at the measurement.
[[nodiscard]] std::vector<PointTrial> AssetTrials();
// As a database of that schema version can hold them: fields that came later as they are by
// default.
[[nodiscard]] std::vector<PointTrial> AssetTrialsOfVersion(int64_t version);

[[nodiscard]] CostEstimate AssetEstimate();
[[nodiscard]] Measurement AssetMeasurement();
[[nodiscard]] TrainingRecord AssetTraining();

// A trial with a key and identity of its own.
[[nodiscard]] Trial MakeTrial(const std::string& evaluator, const std::string& name,
                              Outcome outcome);

}  // namespace deepthin::results

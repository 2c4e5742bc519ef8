// Candidates: the points of sweeps with all that the evaluators said of them, for tables, exports
// and choices.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/store.h"
#include "spec/json_io.h"

namespace deepthin::explorer {

struct Candidate {
  std::string sweep;
  std::string label;
  std::optional<Problem> problem{};  // absent where the combination is none
  std::optional<ProxyScore> score{};
  std::optional<TrainingRecord> training{};
  std::optional<Measurement> measurement{};
  std::optional<CostEstimate> estimate{};
  std::vector<std::string> remarks{};  // why something is missing: infeasible, failed
};

[[nodiscard]] Candidate ToCandidate(const std::string& sweep, const results::PointResult& result);

// Of one sweep.
[[nodiscard]] std::vector<Candidate> CandidatesOf(results::Store& store,
                                                  const results::SweepRecord& sweep);

// Of all sweeps; an equal problem in several of them once, with the newest outcomes.
[[nodiscard]] std::vector<Candidate> AllCandidates(results::Store& store);

// Everything known of it, raw samples and operators included.
[[nodiscard]] Json ToJson(const Candidate& candidate);

// The columns of tables and CSV exports, as texts; empty where nothing is known.
[[nodiscard]] std::vector<std::string> CsvColumns();
[[nodiscard]] std::vector<std::string> CsvRow(const Candidate& candidate);

}  // namespace deepthin::explorer

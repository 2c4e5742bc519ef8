// A sweep as the store keeps it: its definition, and the points it asks about.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "results/record/trial.h"
#include "spec/problem.h"

namespace deepthin::results {

struct SweepRecord {
  std::string hash;  // content hash of the definition: same hash, same points
  std::string name;
  std::string definition;               // JSON text as it was run
  std::vector<std::string> evaluators;  // in the order in which they run
  std::string created_at;               // UTC

  friend bool operator==(const SweepRecord&, const SweepRecord&) = default;
};

// One point of a sweep: a problem, or the reason why the combination is none (n_heads not divisible
// by n_kv_heads).
struct Point {
  int64_t index = 0;
  std::string label;
  std::variant<Problem, Infeasible> problem;

  friend bool operator==(const Point&, const Point&) = default;
};

// A point with the newest trial of each evaluator that has finished it.
struct PointResult {
  Point point;
  std::map<std::string, Trial> trials;  // by evaluator
};

}  // namespace deepthin::results

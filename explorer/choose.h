// choose: the designs within a budget that are worth training, from what a database knows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "explorer/candidates.h"
#include "spec/units.h"

namespace deepthin::explorer {

struct Budget {
  std::optional<int64_t> params{};   // matrices, as the paper counts
  double params_tolerance = 0.1;     // +- share of it
  std::optional<std::string> soc{};  // name
  std::optional<Seconds> decode{};   // estimated time per token, at most
  std::optional<Seconds> prefill{};  // estimated time to first token, at most
  std::optional<Bytes> memory{};     // peak, at most
};

struct Choice {
  std::vector<Candidate> front;  // not dominated: higher score, shorter decode; fastest first
  int64_t considered = 0;        // had a score and an estimate and were within the budget
  int64_t over_budget = 0;
  int64_t incomplete = 0;  // lacked a score or an estimate
};

[[nodiscard]] bool IsWithin(const Budget& budget, const Candidate& candidate);

[[nodiscard]] Choice Choose(const std::vector<Candidate>& candidates, const Budget& budget);

}  // namespace deepthin::explorer

// The table of candidates that `sweep run`, `sweep status` and `choose` print.
#pragma once

#include <string>
#include <vector>

#include "explorer/candidates.h"

namespace deepthin::explorer {

// Columns that no candidate fills are left out. Below the table: what was measured on, and what
// noise and remarks mean.
[[nodiscard]] std::string CandidateTable(const std::vector<Candidate>& candidates);

}  // namespace deepthin::explorer

// The head of the proxies' page: which to trust, for what, and how far.
#pragma once

#include <string>
#include <string_view>

#include "explorer/accuracy/scoreboard.h"

namespace deepthin::explorer {

// Sentences, then a table, of the first target that each kind of sets has. Markdown.
[[nodiscard]] std::string TrustSection(const Scoreboard& board);

// The table of the other kinds by one target; "" where there are none.
[[nodiscard]] std::string PooledTable(const Scoreboard& board, std::string_view target);

}  // namespace deepthin::explorer

// The scoreboard of proxies as a page, and a score with its interval as text.
#pragma once

#include <string>

#include "explorer/accuracy/scoreboard.h"
#include "spec/proxy_score.h"

namespace deepthin::explorer {

// docs/proxies.md. command: what made it.
[[nodiscard]] std::string ProxiesPage(const Scoreboard& board, const std::string& command);

// "44.8" and "44.1 .. 45.5" ("" where the score says nothing of its error). unit: of the proxy.
[[nodiscard]] std::string ScoreText(const ProxyScore& score, std::string_view unit);
[[nodiscard]] std::string IntervalText(const ProxyScore& score);

}  // namespace deepthin::explorer

// The time of day, as records carry it.
#pragma once

#include <string>

namespace deepthin::sweeps {

// UTC, "2026-01-31T12:00:00.000Z".
[[nodiscard]] std::string UtcNow();

}  // namespace deepthin::sweeps

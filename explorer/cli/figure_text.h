// Figures of the scoreboard with their intervals, as text.
#pragma once

#include <string>

#include "explorer/accuracy/ranking.h"

namespace deepthin::explorer {

// "0.74 (0.37 .. 1.00)"; "-" where it is undefined.
[[nodiscard]] std::string FigureText(const Figure& figure);
// "+0.10 (-0.20 .. +0.40)".
[[nodiscard]] std::string GainText(const Figure& figure);
// "78 % (25 .. 100)", of a share.
[[nodiscard]] std::string PercentText(const Figure& figure);
// "+8 (-2 .. +17)": points of percent, of a difference of shares.
[[nodiscard]] std::string PointsText(const Figure& figure);

}  // namespace deepthin::explorer

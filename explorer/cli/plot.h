// Curves for a terminal, in plain characters.
#pragma once

#include <string>
#include <vector>

namespace deepthin::explorer {

struct PlotCurve {
  char mark = '*';
  std::vector<double> y;  // one for each column
};

struct Plot {
  std::string title;
  std::vector<PlotCurve> curves;      // the first ones are drawn over the later ones
  std::vector<std::string> x_labels;  // spread evenly below, the first and last at the ends
  size_t rows = 12;

  // Lines end in a newline. The scale begins at 0 unless all curves lie close together; a curve
  // that leaps between two columns is joined by '|', and '=' is where two curves meet.
  // REQUIRES: one curve or more, each with the same number of values, at least two; two labels or
  // more.
  [[nodiscard]] std::string ToString() const;
};

}  // namespace deepthin::explorer

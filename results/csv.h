// CSV as RFC 4180 has it: reading tables whose rows all have as many cells as the header, and
// writing lines.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deepthin::results {

struct CsvTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // each of columns.size() cells

  friend bool operator==(const CsvTable&, const CsvTable&) = default;
};

// Line ends may be LF or CRLF; a UTF-8 byte-order mark is skipped, and an empty line at the end (in
// a table of one column it is an empty cell). Throws InputError with file and line: no header, a
// quote that is never closed or stands in the middle of a cell, a row with too many or too few
// cells, a column named twice.
[[nodiscard]] CsvTable ParseCsv(std::string_view text, const std::string& file);

// The cell as it has to stand in a line: quoted where it holds a comma, a quote or a line end.
[[nodiscard]] std::string CsvEscape(std::string_view cell);

// A whole line with its line end (LF).
[[nodiscard]] std::string CsvLine(std::span<const std::string> cells);

}  // namespace deepthin::results

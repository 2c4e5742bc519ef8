#include "results/csv.h"

#include <algorithm>
#include <set>

#include "spec/errors.h"

namespace deepthin::results {
namespace {

// Walks the text once and hands out its rows.
class Scanner {
 public:
  Scanner(std::string_view text, const std::string& file) : rest_(text), file_(file) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (rest_.substr(0, 3) == kByteOrderMark) rest_.remove_prefix(3);
  }

  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }
  // Line on which the row read last starts.
  [[nodiscard]] int64_t row_line() const { return row_line_; }

  // REQUIRES: not at the end.
  [[nodiscard]] std::vector<std::string> NextRow() {
    row_line_ = line_;
    std::vector<std::string> cells;
    while (true) {
      cells.push_back(!rest_.empty() && rest_.front() == '"' ? QuotedCell() : BareCell());
      if (TakeLineEnd()) return cells;
      rest_.remove_prefix(1);  // the comma
    }
  }

  [[noreturn]] void Fail(int64_t line, const std::string& found,
                         const std::string& expected) const {
    throw InputError({file_, "line " + std::to_string(line)}, found, expected);
  }

 private:
  // Whether the cell just read is the last of its row; takes the line end if so.
  bool TakeLineEnd() {
    if (rest_.empty()) return true;
    if (rest_.front() == ',') return false;
    rest_.remove_prefix(rest_.front() == '\r' ? 2 : 1);
    ++line_;
    return true;
  }

  [[nodiscard]] bool AtCellEnd() const {
    return rest_.empty() || rest_.front() == ',' || rest_.front() == '\n' ||
           rest_.substr(0, 2) == "\r\n";
  }

  std::string BareCell() {
    std::string cell;
    for (; !AtCellEnd(); rest_.remove_prefix(1)) {
      if (rest_.front() == '"') {
        Fail(line_, "has a quote in the middle of a cell",
             "the whole cell in quotes, \"\" for one");
      }
      cell += rest_.front();
    }
    return cell;
  }

  std::string QuotedCell() {
    const int64_t first_line = line_;
    rest_.remove_prefix(1);
    std::string cell;
    while (true) {
      if (rest_.empty()) Fail(first_line, "has a quote that is never closed", "a closing quote");
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') {
        if (rest_.empty() || rest_.front() != '"') break;
        rest_.remove_prefix(1);  // "" stands for one quote
      } else if (c == '\n') {
        ++line_;
      }
      cell += c;
    }
    if (!AtCellEnd()) Fail(line_, "has text behind a closing quote", "a comma or the line's end");
    return cell;
  }

  std::string_view rest_;
  const std::string& file_;
  int64_t line_ = 1;
  int64_t row_line_ = 1;
};

}  // namespace

CsvTable ParseCsv(std::string_view text, const std::string& file) {
  Scanner scanner(text, file);
  if (scanner.AtEnd()) throw InputError({file, ""}, "is empty", "a header line");
  CsvTable table{.columns = scanner.NextRow(), .rows = {}};
  std::set<std::string> names;
  for (const std::string& name : table.columns) {
    if (!names.insert(name).second) {
      scanner.Fail(1, "names the column '" + name + "' twice", "each name once");
    }
  }
  while (!scanner.AtEnd()) {
    std::vector<std::string> row = scanner.NextRow();
    const bool is_blank = row.size() == 1 && row.front().empty();
    if (is_blank && scanner.AtEnd() && table.columns.size() > 1) break;
    if (row.size() != table.columns.size()) {
      scanner.Fail(scanner.row_line(), "has " + std::to_string(row.size()) + " cells",
                   std::to_string(table.columns.size()) + ", as in the header");
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string CsvEscape(std::string_view cell) {
  if (cell.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(cell);
  std::string out = "\"";
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string CsvLine(std::span<const std::string> cells) {
  std::string out;
  for (const std::string& cell : cells) {
    if (&cell != cells.data()) out += ',';
    out += CsvEscape(cell);
  }
  // A line of one empty cell would look like no line at all.
  if (cells.size() == 1 && out.empty()) out = "\"\"";
  return out + '\n';
}

}  // namespace deepthin::results

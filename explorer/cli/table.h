// Tables for people: columns as wide as their cells.
#pragma once

#include <string>
#include <vector>

namespace deepthin::explorer {

enum class Align { kLeft, kRight };

struct TableColumn {
  std::string title;
  Align align = Align::kRight;
};

class Table {
 public:
  explicit Table(std::vector<TableColumn> columns) : columns_(std::move(columns)) {}

  // REQUIRES: one cell for each column.
  void Row(std::vector<std::string> cells);

  // Lines end in a newline; no trailing blanks. Width is counted in code points.
  [[nodiscard]] std::string ToString() const;

 private:
  std::vector<TableColumn> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace deepthin::explorer

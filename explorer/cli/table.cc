#include "explorer/cli/table.h"

#include <algorithm>

#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

size_t Width(const std::string& text) {
  // Bytes that do not continue a UTF-8 sequence.
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

void Table::Row(std::vector<std::string> cells) {
  DEEPTHIN_CHECK(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(Width(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  const auto line = [&](auto&& cell_of) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string padding(widths[i] - Width(cell), ' ');
      if (i > 0) text += "  ";
      text += columns_[i].align == Align::kLeft ? cell + padding : padding + cell;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + '\n';
  };
  line([&](size_t i) -> const std::string& { return columns_[i].title; });
  std::vector<std::string> rules;
  rules.reserve(widths.size());
  for (const size_t width : widths) rules.emplace_back(width, '-');
  line([&](size_t i) -> const std::string& { return rules[i]; });
  for (const auto& row : rows_) line([&](size_t i) -> const std::string& { return row[i]; });
  return out;
}

}  // namespace deepthin::explorer

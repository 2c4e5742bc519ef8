// The tables of MobileLLM (arXiv 2402.14905v2) as printed, compiled into the program: reference
// data for reproductions, each with what its reader should beware of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spec/model_spec.h"

namespace deepthin::results {

struct PaperTable {
  std::string name;   // "table-11", "figure-3", "key-facts"
  std::string stem;   // of its file: "table11_depth_width_zero_shot"
  std::string title;  // what it shows, one line
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // cells as printed
  std::vector<std::string> notes;              // what to beware of, a sentence or two each

  friend bool operator==(const PaperTable&, const PaperTable&) = default;
};

// In the order of the paper: tables, figures, then figures from the text and the released files.
[[nodiscard]] const std::vector<PaperTable>& PaperTables();

// By name, number ("11", "table 11", "Table-11") or file stem. Throws InputError that lists the
// names there are.
[[nodiscard]] const PaperTable& PaperTableByName(std::string_view name);

// The cell as printed. REQUIRES: such a row and column.
[[nodiscard]] const std::string& CellOf(const PaperTable& table, size_t row,
                                        std::string_view column);

// A row that states a parameter count, with its architecture. The rows of layer-shared models
// repeat each block once at once, as MobileLLM-LS does.
struct PaperArchitecture {
  std::string table;  // "table-9"
  std::string row;    // "MobileLLM-125M"
  ModelSpec spec;
  std::string params_printed;  // "124.6M", "134.1" (millions) or "1.0B"
  int64_t matrices_only = 0;   // without norm weights: what the paper counts
  int64_t with_norms = 0;
};

// The 73 rows of param-counts.
[[nodiscard]] const std::vector<PaperArchitecture>& PaperArchitectures();

}  // namespace deepthin::results

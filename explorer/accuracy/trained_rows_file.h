// Trained rows in a file, of whoever trained them.
//
// JSON: an array of objects with the keys of TrainedRow. CSV: columns name, group, table, target,
// standard_error (may be left out or empty), and those of ModelSpec by name (d_model, n_blocks,
// ...; the optional ones may be left out).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "explorer/accuracy/trained_row.h"

namespace deepthin::explorer {

// Told apart by their first character. Every row is checked. Throws InputError that names the row.
[[nodiscard]] std::vector<TrainedRow> ReadTrainedRows(const std::string& path);
[[nodiscard]] std::vector<TrainedRow> ParseTrainedRows(std::string_view text,
                                                       const std::string& file);

}  // namespace deepthin::explorer

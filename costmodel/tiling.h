// Tiling of an operator whose activations do not fit on chip: what it moves to and from DRAM.
#pragma once

#include <cstdint>

#include "spec/units.h"

namespace deepthin::costmodel {

// A product of `rows` activation rows with one stationary operand (weights, or the keys and values
// of a sequence).
struct TilingProblem {
  int64_t rows = 1;
  Bytes stationary;
  Bytes activations_in;   // of all rows
  Bytes activations_out;  // of all rows
};

// How often each operand crosses. Results are written once.
struct Tiling {
  int64_t stationary_passes = 1;
  int64_t activation_passes = 1;

  friend bool operator==(const Tiling&, const Tiling&) = default;
};

// The better, in bytes, of two dataflows under an on-chip capacity:
// - weights stationary: tiles of the stationary operand stay while all rows stream past, one row at
//   a time, so the rows are read once per tile;
// - activations resident: tiles of rows (in and out) stay while the stationary operand streams
//   past, once per tile. A tile has one row at least: registers hold that much.
[[nodiscard]] Tiling ChooseTiling(const TilingProblem& problem, Bytes on_chip);

}  // namespace deepthin::costmodel

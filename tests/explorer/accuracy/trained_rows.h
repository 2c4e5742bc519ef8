// Made-up trained rows, for tests of what is fitted to such.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "explorer/accuracy/trained_row.h"
#include "spec/random.h"

namespace deepthin::explorer {

[[nodiscard]] inline ModelSpec RandomShape(SplitMix64& random) {
  ModelSpec spec;
  spec.n_blocks = 4 + random.NextBelow(40);
  spec.head_dim = 32 * (1 + random.NextBelow(3));
  spec.n_kv_heads = 1 + random.NextBelow(6);
  spec.n_heads = spec.n_kv_heads * (1 + random.NextBelow(4));
  spec.d_model = spec.n_heads * spec.head_dim;
  spec.d_ff = spec.d_model * (2 + random.NextBelow(3));
  spec.tie_embeddings = random.NextBelow(2) == 0;
  if (random.NextBelow(3) == 0) spec.repeat = RepeatScheduleFromText("immediate:2");
  return spec;
}

// Standard normal but for its tails.
[[nodiscard]] inline double NearlyNormal(SplitMix64& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.NextUnit();
  return sum;
}

// What the made-up training makes of a model.
[[nodiscard]] inline double MadeUpTarget(const ModelSpec& spec) {
  return 2 * std::log(static_cast<double>(CountParams(spec).blocks)) +
         1.5 * std::log(static_cast<double>(ExecutedBlocks(spec))) + (spec.tie_embeddings ? -1 : 0);
}

[[nodiscard]] inline TrainedRow MadeUpRow(SplitMix64& random, double noise) {
  TrainedRow row;
  row.model = RandomShape(random);
  row.name = "made up " + std::to_string(random.NextBelow(1'000'000));
  row.group = "long";
  row.table = "a";
  row.target = MadeUpTarget(row.model) + noise * NearlyNormal(random);
  return row;
}

[[nodiscard]] inline std::vector<TrainedRow> MadeUpRows(int64_t n, double noise, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<TrainedRow> rows;
  for (int64_t i = 0; i < n; ++i) rows.push_back(MadeUpRow(random, noise));
  return rows;
}

}  // namespace deepthin::explorer

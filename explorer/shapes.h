// Shapes: every regular architecture of a parameter budget, and which of them are deepest for their
// time. What a budget allows before any of it is trained or measured: no accuracy is known here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "spec/model_spec.h"
#include "spec/precision.h"
#include "spec/problem.h"
#include "spec/soc_spec.h"
#include "spec/units.h"

namespace deepthin::explorer {

struct ShapeSpace {
  int64_t params = 0;       // matrices, as the paper counts
  double tolerance = 0.01;  // +- share of it
  int64_t vocab_size = 32'000;
  int64_t head_dim = 64;
  int64_t max_seq_len = 2'048;
};

// SwiGLU models of up to 96 stored blocks, executed once or twice in each order; d_model a multiple
// of head_dim up to 2,048 and n_heads x head_dim; every n_kv_heads that divides n_heads; tied or
// not. d_ff is the multiple of 64 that comes nearest to the budget, from 1 to 8 d_model.
[[nodiscard]] std::vector<ModelSpec> ShapesWithin(const ShapeSpace& space);

struct ShapeLimits {
  std::optional<Seconds> decode{};   // estimated time per token, at most
  std::optional<Seconds> prefill{};  // estimated time to first token, at most
  std::optional<Bytes> memory{};     // peak, at most; else what the SoC's DRAM holds
};

struct Shape {
  ModelSpec model;
  Seconds decode;
  Seconds prefill;
  Bytes dram_per_token;
  Bytes peak_memory;
};

struct ShapeFront {
  std::vector<Shape> front;  // fastest first; each executes more blocks than the one before
  int64_t within = 0;        // shapes within the limits
};

// Of the models within the limits those that no other one beats in executed blocks and estimated
// decode time; of equal ones the shortest prefill. Throws InputError where the workload does not
// fit the models or the SoC has no rate for the precision.
[[nodiscard]] ShapeFront DeepestForTheirTime(const std::vector<ModelSpec>& models,
                                             const Precision& precision, const SocSpec& soc,
                                             const Workload& workload, const ShapeLimits& limits);

}  // namespace deepthin::explorer

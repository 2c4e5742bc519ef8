// Random architectures of one parameter budget: what a surrogate is calibrated and judged on.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "spec/fields.h"
#include "spec/model_spec.h"

namespace deepthin::explorer {

struct RandomShapes {
  int64_t params = 0;       // matrices, the embedding's included, as the paper counts
  double tolerance = 0.03;  // +- share of it
  int64_t seed = 1;
  int64_t skip = 0;  // of the sequence of this seed, as those that another group has
  int64_t count = 0;

  friend bool operator==(const RandomShapes&, const RandomShapes&) = default;
};

// SwiGLU models, all distinct: 2 to 40 stored blocks, evenly spread in their logarithm; executed
// once (two in three), or twice in one of the three orders; tied or not; GQA groups of 1 to 4;
// heads of 8 or 16; d_ff from 1.5 to 4.5 d_model. d_model, a multiple of 8, is what comes nearest
// to the budget. The same on every machine. REQUIRES: a budget that such models have: about 1M and
// more with a vocabulary of some thousands.
[[nodiscard]] std::vector<ModelSpec> DrawShapes(const RandomShapes& space, int64_t vocab_size);

}  // namespace deepthin::explorer

namespace deepthin {

template <>
struct Fields<explorer::RandomShapes> {
  using S = explorer::RandomShapes;
  static constexpr auto kList =
      std::tuple(Field("params", &S::params, "matrices, with embeddings"),
                 Field("tolerance", &S::tolerance, "+- share of it", Presence::kOptional),
                 Field("seed", &S::seed, "of the sequence", Presence::kOptional),
                 Field("skip", &S::skip, "shapes left out at its beginning", Presence::kOptional),
                 Field("count", &S::count, "shapes taken"));
};

}  // namespace deepthin

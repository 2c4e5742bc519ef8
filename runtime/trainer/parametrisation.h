// Parametrisation: how large the weights of a model are at first, and how fast each tensor learns,
// by the model's width and depth.
//
// CompleteP (Dey et al., arXiv 2505.01618, table 1 with alpha = 1; for width alone it is muP, Yang
// et al., arXiv 2203.03466, table 8) keeps the size of activations and of their changes in a step
// the same whatever the width and depth, so that a learning rate found for a small model holds for
// a large one. Its multipliers of the residual stream and of the logits are folded into the
// weights behind them: with AdamW a tensor times m that begins at s and learns at r is one that
// begins at m s and learns at m r. The decoder executes such a model as any other.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/trainer/parameters.h"
#include "runtime/weights.h"
#include "spec/fields.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

enum class Parametrisation {
  kCompleteP,
  kStandard,  // RandomWeights, and one learning rate for all
};

// The shape at which both are about the same: that of CompleteP's multipliers 1.
inline constexpr int64_t kBaseWidth = 256;
inline constexpr int64_t kBaseDepth = 4;  // executed blocks

// Of one tensor, each a factor of what is the same for all.
struct TensorScales {
  double initial = 1;  // of RandomWeights' values
  double rate = 1;     // of the learning rate; not of the decay
  double epsilon = 1;  // of AdamW's

  friend bool operator==(const TensorScales&, const TensorScales&) = default;
};

// In the order of LayOutParameters(spec).tensors. REQUIRES: Validate(spec).
[[nodiscard]] std::vector<TensorScales> ScalesOf(const ModelSpec& spec, Parametrisation chosen);

// What a run begins with: RandomWeights(spec, seed), scaled. Throws as RandomWeights does.
[[nodiscard]] Weights InitialWeights(const ModelSpec& spec, Parametrisation chosen, uint64_t seed,
                                     ThreadPool& pool);

}  // namespace deepthin::runtime

namespace deepthin {

template <>
struct EnumTexts<runtime::Parametrisation> {
  static constexpr std::array kList = {
      std::pair{runtime::Parametrisation::kCompleteP, std::string_view("completep")},
      std::pair{runtime::Parametrisation::kStandard, std::string_view("standard")}};
};

}  // namespace deepthin

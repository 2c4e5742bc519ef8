// What the surrogate sees of a shape: logarithms, so that a weight is an exponent, and two flags.
#pragma once

#include <array>
#include <string_view>

#include "spec/model_spec.h"

namespace deepthin::explorer {

inline constexpr std::array<std::string_view, 10> kShapeFeatures = {
    "decoder parameters",            // ln of those in stored blocks
    "stored blocks",                 // ln
    "repeats",                       // ln executed / stored blocks
    "d_model",                       // ln
    "d_ff / d_model",                // ln
    "head_dim",                      // ln
    "heads x head_dim / d_model",    // ln
    "KV heads / heads",              // ln
    "a gated feed-forward network",  // 1 or 0
    "tied embeddings",               // 1 or 0
};
using ShapeFeatures = std::array<double, kShapeFeatures.size()>;

// REQUIRES: a valid spec.
[[nodiscard]] ShapeFeatures FeaturesOf(const ModelSpec& spec);

}  // namespace deepthin::explorer

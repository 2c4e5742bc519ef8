// OperandClass: what bytes are, whichever operator moves them.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "spec/fields.h"

namespace deepthin::costmodel {

enum class OperandClass {
  kWeights,      // matrices and norms of the blocks, and the final norm
  kEmbedding,    // rows looked up
  kHead,         // the output matrix: of a tied model the token table
  kKv,           // keys and values, read and written
  kActivations,  // what operators hand to each other, logits included
};
inline constexpr size_t kOperandClasses = 5;

}  // namespace deepthin::costmodel

template <>
struct deepthin::EnumTexts<deepthin::costmodel::OperandClass> {
  using C = costmodel::OperandClass;
  static constexpr std::array kList = {std::pair{C::kWeights, std::string_view("weights")},
                                       std::pair{C::kEmbedding, std::string_view("embedding")},
                                       std::pair{C::kHead, std::string_view("head")},
                                       std::pair{C::kKv, std::string_view("kv")},
                                       std::pair{C::kActivations, std::string_view("activations")}};
  static_assert(kList.size() == costmodel::kOperandClasses);
};

// What stands beside an estimate: the bytes of a pass by class of operand, and what other choices
// of the on-chip levels would leave to DRAM.
#pragma once

#include <vector>

#include "costmodel/operand_class.h"
#include "spec/cost_estimate.h"
#include "spec/problem.h"

namespace deepthin::costmodel {

struct OperandCost {
  OperandClass operand = OperandClass::kWeights;
  std::vector<LevelTraffic> traffic;  // levels as in the SocSpec

  friend bool operator==(const OperandCost&, const OperandCost&) = default;
};

// By OperandClass; sums to the operators of Estimate(). Throw InputError as Estimate() does.
[[nodiscard]] std::vector<OperandCost> PrefillOperands(const Problem& problem);
[[nodiscard]] std::vector<OperandCost> DecodeOperands(const Problem& problem);

// DRAM bytes of a decoded token at MeanDecodeContext() by what the SRAM levels keep.
struct ReplacementBytes {
  Bytes lru;
  Bytes pinned;
  // The least that any policy can have with the largest SRAM level, its activations on chip.
  Bytes bound;

  friend bool operator==(const ReplacementBytes&, const ReplacementBytes&) = default;
};
[[nodiscard]] ReplacementBytes DecodeByReplacement(const Problem& problem);

}  // namespace deepthin::costmodel

template <>
struct deepthin::Fields<deepthin::costmodel::OperandCost> {
  using S = costmodel::OperandCost;
  static constexpr auto kList =
      std::tuple(Field("operand", &S::operand, "weights, embedding, head, kv or activations"),
                 Field("traffic", &S::traffic, "bytes by level"));
};

template <>
struct deepthin::Fields<deepthin::costmodel::ReplacementBytes> {
  using S = costmodel::ReplacementBytes;
  static constexpr auto kList =
      std::tuple(Field("lru_bytes", &S::lru, "DRAM bytes where SRAM keeps what was used last"),
                 Field("pinned_bytes", &S::pinned, "DRAM bytes with the best fixed choice"),
                 Field("bound_bytes", &S::bound, "DRAM bytes that no policy goes below"));
};

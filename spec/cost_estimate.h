// CostEstimate: what a cost model says of a Problem. A prediction, never a measurement.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "spec/fields.h"
#include "spec/units.h"

namespace deepthin {

// Bytes that cross the border of one memory level, and the time and energy they take.
struct LevelTraffic {
  std::string level;
  Bytes read;
  Bytes written;
  Seconds time;
  std::optional<Joules> energy;  // absent where the SocSpec states no energy

  friend bool operator==(const LevelTraffic&, const LevelTraffic&) = default;
};

// One kind of operator, summed over all its executions in a phase ("qkv" over all executed blocks).
struct OperatorCost {
  std::string name;
  int64_t executions = 0;
  Macs macs;
  Seconds compute_time;
  std::vector<LevelTraffic> traffic;  // levels as in the SocSpec
  Seconds fixed_time;
  Seconds time;            // with overlap, fixed time included
  std::string limited_by;  // "compute", a level's name or "fixed": what takes most of the time

  friend bool operator==(const OperatorCost&, const OperatorCost&) = default;
};

// Prefill: the whole prompt in one pass. Decode: one token at the stated context.
struct PhaseCost {
  int64_t context_tokens = 0;  // tokens in the KV cache before the pass
  Seconds time;
  Bytes dram_bytes;  // read and written
  Macs macs;
  std::optional<Joules> energy;
  std::string limited_by;
  std::vector<OperatorCost> operators;

  friend bool operator==(const PhaseCost&, const PhaseCost&) = default;
};

struct CostEstimate {
  std::string model_name;  // of the cost model
  std::string model_version;
  PhaseCost prefill;  // its time is the time to first token (TTFT)
  PhaseCost decode;   // mean over the generated tokens
  Bytes weight_bytes;
  Bytes peak_memory;        // weights, KV cache at the end of the workload, activations
  bool fits_memory = true;  // peak_memory within the DRAM capacity of the SocSpec

  friend bool operator==(const CostEstimate&, const CostEstimate&) = default;
};

template <>
struct Fields<LevelTraffic> {
  using S = LevelTraffic;
  static constexpr auto kList =
      std::tuple(Field("level", &S::level, "name of the memory level"),
                 Field("read_bytes", &S::read, "bytes read from it"),
                 Field("written_bytes", &S::written, "bytes written to it"),
                 Field("time_s", &S::time, "time of the transfer alone"),
                 Field("energy_j", &S::energy, "energy of the transfer", Presence::kOptional));
};

template <>
struct Fields<OperatorCost> {
  using S = OperatorCost;
  static constexpr auto kList =
      std::tuple(Field("name", &S::name, "kind of operator"),
                 Field("executions", &S::executions, "how often it runs in the phase"),
                 Field("macs", &S::macs, "multiply-accumulates"),
                 Field("compute_time_s", &S::compute_time, "time of the arithmetic alone"),
                 Field("traffic", &S::traffic, "bytes by level"),
                 Field("fixed_time_s", &S::fixed_time, "fixed cost per operator"),
                 Field("time_s", &S::time, "time with overlap, fixed cost included"),
                 Field("limited_by", &S::limited_by, "what takes most of the time"));
};

template <>
struct Fields<PhaseCost> {
  using S = PhaseCost;
  static constexpr auto kList = std::tuple(
      Field("context_tokens", &S::context_tokens, "tokens in the KV cache before the pass"),
      Field("time_s", &S::time, "time of the pass"),
      Field("dram_bytes", &S::dram_bytes, "bytes read from and written to DRAM"),
      Field("macs", &S::macs, "multiply-accumulates"),
      Field("energy_j", &S::energy, "energy of the pass", Presence::kOptional),
      Field("limited_by", &S::limited_by, "what takes most of the time"),
      Field("operators", &S::operators, "cost by operator"));
};

template <>
struct Fields<CostEstimate> {
  using S = CostEstimate;
  static constexpr auto kList = std::tuple(
      Field("model_name", &S::model_name, "name of the cost model"),
      Field("model_version", &S::model_version, "its version; changes when the maths does"),
      Field("prefill", &S::prefill, "the prompt in one pass"),
      Field("decode", &S::decode, "one token, mean over the generated ones"),
      Field("weight_bytes", &S::weight_bytes, "bytes of all weights"),
      Field("peak_memory_bytes", &S::peak_memory, "weights, KV cache and activations"),
      Field("fits_memory", &S::fits_memory, "peak memory is within the DRAM capacity"));
};

}  // namespace deepthin

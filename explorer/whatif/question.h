// Question and Answer: one problem at one context, and what the cost model says of it. What every
// part of a what-if asks and gets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spec/cost_estimate.h"
#include "spec/fields.h"
#include "spec/problem.h"

namespace deepthin::explorer {

struct Question {
  Problem problem;
  // Tokens in the KV cache before the decoded token; absent: costmodel::MeanDecodeContext(), which
  // 'deepthin estimate' takes.
  std::optional<int64_t> context{};
};

struct Answer {
  Seconds decode;  // of one token
  Bytes decode_dram;
  Seconds prefill;  // time to first token
  Bytes prefill_dram;
  Bytes peak_memory;
  bool fits_memory = true;              // within the capacity of DRAM
  std::optional<Joules> decode_energy;  // absent where the SocSpec does not state all of it
  std::string limited_by;               // the decoded token

  friend bool operator==(const Answer&, const Answer&) = default;
};

// What is compared: where two models cross, which is the best.
enum class Metric { kDecode, kPrefill };

[[nodiscard]] int64_t ContextOf(const Question& question);

// Throws InputError as costmodel::Estimate() does.
[[nodiscard]] Answer Ask(const Question& question);
// One phase alone, which costs half. The same errors.
[[nodiscard]] PhaseCost DecodeOf(const Question& question);
[[nodiscard]] PhaseCost PrefillOf(const Question& question);
[[nodiscard]] Seconds TimeOf(const Question& question, Metric metric);

// What costmodel::PassEstimate::regime says of the decoded token: times are linear between contexts
// that agree in it.
[[nodiscard]] std::vector<int64_t> DecodeRegime(const Question& question);

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::Answer> {
  using S = explorer::Answer;
  static constexpr auto kList = std::tuple(
      Field("decode_time_s", &S::decode, "time of one decoded token"),
      Field("decode_dram_bytes", &S::decode_dram, "bytes of that token to and from DRAM"),
      Field("prefill_time_s", &S::prefill, "time to first token"),
      Field("prefill_dram_bytes", &S::prefill_dram, "bytes of the prompt to and from DRAM"),
      Field("peak_memory_bytes", &S::peak_memory, "weights, KV cache and activations"),
      Field("fits_memory", &S::fits_memory, "peak memory is within the DRAM capacity"),
      Field("decode_energy_j", &S::decode_energy, "energy of one decoded token",
            Presence::kOptional),
      Field("limited_by", &S::limited_by, "what takes most of the token's time"));
};

template <>
struct deepthin::EnumTexts<deepthin::explorer::Metric> {
  using M = explorer::Metric;
  static constexpr std::array kList = {std::pair{M::kDecode, std::string_view("decode")},
                                       std::pair{M::kPrefill, std::string_view("prefill")}};
};

// SocSpec: the hardware a model is predicted on. Every number carries its source; one without is
// refused.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spec/dtype.h"
#include "spec/errors.h"
#include "spec/fields.h"
#include "spec/units.h"

namespace deepthin {

// A hardware number and where it comes from: a document and table, "measured: ..." or "assumed:
// why". low and high bound it where it is uncertain; no estimate depends on them, nor on the source
// (sweeps/evaluators/estimate.cc).
template <class T>
struct Sourced {
  T value{};
  std::string source;
  std::optional<T> low;
  std::optional<T> high;

  friend bool operator==(const Sourced&, const Sourced&) = default;
};

template <class T>
inline constexpr bool kIsSourced = false;
template <class T>
inline constexpr bool kIsSourced<Sourced<T>> = true;

enum class LevelKind { kSram, kDram, kFlash };

// What an on-chip level keeps.
enum class Replacement {
  kLru,     // the bytes used last, as a cache does
  kPinned,  // a fixed choice of bytes, the best one; everything else streams past
};

struct MemoryLevel {
  std::string name;
  LevelKind kind = LevelKind::kDram;
  Sourced<Bytes> capacity;
  Sourced<BytesPerSecond> read_bandwidth;
  Sourced<BytesPerSecond> write_bandwidth;
  Replacement replacement = Replacement::kLru;  // used for SRAM only
  std::optional<Sourced<JoulesPerByte>> read_energy;
  std::optional<Sourced<JoulesPerByte>> write_energy;

  friend bool operator==(const MemoryLevel&, const MemoryLevel&) = default;
};

// Rates for matrices whose weights are in `dtype`.
struct ComputeRate {
  Dtype dtype = Dtype::kF16;
  Sourced<MacsPerSecond> peak;
  std::optional<Sourced<JoulesPerMac>> energy;
  // With one token, where each weight is unpacked for one multiplication. R tokens reach R times as
  // much, and at most the peak. Absent: the peak, whatever the number of tokens.
  std::optional<Sourced<MacsPerSecond>> one_token{};
  // At which a pass of several tokens turns weights, once, into what is multiplied at the peak.
  // Absent: no time; then one_token limits few tokens.
  std::optional<Sourced<BytesPerSecond>> unpack{};
  // Of the shorter of a product's arithmetic and its transfer, what the longer does not hide.
  // Absent: nothing.
  std::optional<Sourced<Share>> exposed{};

  friend bool operator==(const ComputeRate&, const ComputeRate&) = default;
};

// Rates of attention's products, where they differ from those for matrices in the KV cache's
// format.
struct AttentionRate {
  Sourced<MacsPerSecond> peak;
  std::optional<Sourced<MacsPerSecond>> one_token{};  // as in ComputeRate
  // At which keys and values in the cache are turned into what is multiplied, once for all heads
  // that share them. Absent: no time.
  std::optional<Sourced<BytesPerSecond>> kv_unpack{};
  std::optional<Sourced<Share>> exposed{};  // as in ComputeRate

  friend bool operator==(const AttentionRate&, const AttentionRate&) = default;
};

// Time that passes whatever the size: dispatch, synchronisation, kernel launch.
struct FixedCosts {
  Sourced<Seconds> per_operator;
  Sourced<Seconds> per_executed_block;
  Sourced<Seconds> per_token;

  friend bool operator==(const FixedCosts&, const FixedCosts&) = default;
};

// What estimates with this SoC missed by, |estimate - measurement| / measurement, on architectures
// that the numbers they were made with were not fitted to.
struct PhaseResiduals {
  int64_t measurements = 0;
  double median_relative_error = 0;
  double p90_relative_error = 0;  // 9 of 10 new measurements lie within

  friend bool operator==(const PhaseResiduals&, const PhaseResiduals&) = default;
};

// No estimate depends on them; they are what its error bar is made of.
struct Residuals {
  std::string measured_on;  // machine, threads, date
  int64_t architectures = 0;
  std::optional<PhaseResiduals> decode;
  std::optional<PhaseResiduals> prefill;

  friend bool operator==(const Residuals&, const Residuals&) = default;
};

inline constexpr size_t kMaxLevels = 16;

struct SocSpec {
  std::string name;
  std::string description;
  std::vector<MemoryLevel> levels;  // nearest first: SRAM levels, DRAM, flash; at most kMaxLevels
  std::vector<ComputeRate> compute;
  FixedCosts fixed;
  std::optional<Sourced<Joules>> battery;  // absent where there is none, as on a board
  std::optional<AttentionRate> attention{};
  // At which norms, rotations and activation functions, which are no MACs, work through what they
  // read and write. Absent: that of the level where it lies.
  std::optional<Sourced<BytesPerSecond>> elementwise{};
  // Preparing the weights of a stored block once, before the first pass. Absent where unknown.
  std::optional<Sourced<Seconds>> init_per_stored_block{};
  // Of all bandwidths and rates, what is left after minutes of work without a pause, when the
  // device is hot. Absent where unknown.
  std::optional<Sourced<Share>> sustained{};
  std::optional<Residuals> residuals{};  // absent where nothing measured stands behind the numbers

  friend bool operator==(const SocSpec&, const SocSpec&) = default;
};

// Throws InputError whose place is the JSON path below root (/levels/0/capacity_bytes).
void Validate(const SocSpec& soc, const InputError::Where& root = {});

template <>
struct EnumTexts<LevelKind> {
  static constexpr std::array kList = {std::pair{LevelKind::kSram, std::string_view("sram")},
                                       std::pair{LevelKind::kDram, std::string_view("dram")},
                                       std::pair{LevelKind::kFlash, std::string_view("flash")}};
};

template <>
struct EnumTexts<Replacement> {
  static constexpr std::array kList = {std::pair{Replacement::kLru, std::string_view("lru")},
                                       std::pair{Replacement::kPinned, std::string_view("pinned")}};
};

template <class T>
struct Fields<Sourced<T>> {
  using S = Sourced<T>;
  static constexpr auto kList =
      std::tuple(Field("value", &S::value, "in the unit that the key ends in"),
                 Field("source", &S::source, "document and table, measured: ... or assumed: why"),
                 Field("low", &S::low, "lowest plausible value", Presence::kOptional),
                 Field("high", &S::high, "highest plausible value", Presence::kOptional));
};

template <>
struct Fields<MemoryLevel> {
  using S = MemoryLevel;
  static constexpr auto kList = std::tuple(
      Field("name", &S::name, "name of the level"), Field("kind", &S::kind, "sram, dram or flash"),
      Field("capacity_bytes", &S::capacity, "capacity that a model may use"),
      Field("read_bandwidth_bytes_per_s", &S::read_bandwidth, "sustained reading rate"),
      Field("write_bandwidth_bytes_per_s", &S::write_bandwidth, "sustained writing rate"),
      Field("replacement", &S::replacement, "lru or pinned", Presence::kOptional),
      Field("read_energy_j_per_byte", &S::read_energy, "energy of reading", Presence::kOptional),
      Field("write_energy_j_per_byte", &S::write_energy, "energy of writing", Presence::kOptional));
};

template <>
struct Fields<ComputeRate> {
  using S = ComputeRate;
  static constexpr auto kList = std::tuple(
      Field("dtype", &S::dtype, "format of the weights"),
      Field("peak_macs_per_s", &S::peak, "peak multiply-accumulate rate"),
      Field("energy_j_per_mac", &S::energy, "energy of one multiply-accumulate",
            Presence::kOptional),
      Field("one_token_macs_per_s", &S::one_token, "rate with one token alone",
            Presence::kOptional),
      Field("unpack_bytes_per_s", &S::unpack, "at which several tokens' weights are unpacked",
            Presence::kOptional),
      Field("exposed_share", &S::exposed,
            "of the shorter of arithmetic and transfer, what is not hidden", Presence::kOptional));
};

template <>
struct Fields<AttentionRate> {
  using S = AttentionRate;
  static constexpr auto kList = std::tuple(
      Field("peak_macs_per_s", &S::peak, "peak multiply-accumulate rate"),
      Field("one_token_macs_per_s", &S::one_token, "rate with one token alone",
            Presence::kOptional),
      Field("kv_unpack_bytes_per_s", &S::kv_unpack, "at which keys and values are unpacked",
            Presence::kOptional),
      Field("exposed_share", &S::exposed,
            "of the shorter of arithmetic and transfer, what is not hidden", Presence::kOptional));
};

template <>
struct Fields<FixedCosts> {
  using S = FixedCosts;
  static constexpr auto kList =
      std::tuple(Field("per_operator_s", &S::per_operator, "time of each operator beside its work"),
                 Field("per_executed_block_s", &S::per_executed_block,
                       "time of each executed block beside its work"),
                 Field("per_token_s", &S::per_token, "time of each forward pass beside its work"));
};

template <>
struct Fields<PhaseResiduals> {
  using S = PhaseResiduals;
  static constexpr auto kList = std::tuple(
      Field("measurements", &S::measurements, "that were predicted without having been fitted"),
      Field("median_relative_error", &S::median_relative_error, "half of them are within"),
      Field("p90_relative_error", &S::p90_relative_error, "nine of ten new ones are within"));
};

template <>
struct Fields<Residuals> {
  using S = Residuals;
  static constexpr auto kList =
      std::tuple(Field("measured_on", &S::measured_on, "machine, threads, date"),
                 Field("architectures", &S::architectures, "that were measured"),
                 Field("decode", &S::decode, "errors of decoded tokens", Presence::kOptional),
                 Field("prefill", &S::prefill, "errors of prompts", Presence::kOptional));
};

template <>
struct Fields<SocSpec> {
  using S = SocSpec;
  static constexpr auto kList = std::tuple(
      Field("name", &S::name, "name of the SoC or device"),
      Field("description", &S::description, "one line", Presence::kOptional),
      Field("levels", &S::levels, "memory levels, nearest first"),
      Field("compute", &S::compute, "peak rates by weight format"),
      Field("fixed", &S::fixed, "times that do not depend on size"),
      Field("battery_j", &S::battery, "energy of the full battery", Presence::kOptional),
      Field("attention", &S::attention, "rates of attention's products", Presence::kOptional),
      Field("elementwise_bytes_per_s", &S::elementwise,
            "rate of norms, rotations and activation functions", Presence::kOptional),
      Field("init_per_stored_block_s", &S::init_per_stored_block,
            "time of preparing the weights of a stored block once", Presence::kOptional),
      Field("sustained_share", &S::sustained,
            "of all bandwidths and rates, what is left when the device is hot",
            Presence::kOptional),
      Field("residuals", &S::residuals, "errors of estimates with these numbers",
            Presence::kOptional));
};

}  // namespace deepthin

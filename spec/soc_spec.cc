#include "spec/soc_spec.h"

#include <algorithm>
#include <cstdio>

#include "spec/errors.h"

namespace deepthin {
namespace {

// In base units: far beyond any hardware, and no product or quotient of a few of them leaves the
// range of its type.
constexpr double kSmallest = 1e-18;
constexpr double kLargest = 1e18;

enum class Zero { kAllowed, kRefused };

template <class T>
void RequireNumber(const Sourced<T>& number, const std::string& place, const std::string& file,
                   Zero zero = Zero::kRefused) {
  const auto check = [&](T quantity, std::string_view key) {
    const auto value = static_cast<double>(quantity.value());
    if (value == 0 && zero == Zero::kAllowed) return;
    if (value >= kSmallest && value <= kLargest) return;
    char text[32];
    std::snprintf(text, sizeof(text), "is %g", value);
    throw InputError({file, place + "/" + std::string(key)}, text,
                     zero == Zero::kAllowed ? "0, or a number from 1e-18 to 1e18"
                                            : "a positive number from 1e-18 to 1e18");
  };
  check(number.value, "value");
  if (number.low) check(*number.low, "low");
  if (number.high) check(*number.high, "high");
  if ((number.low && *number.low > number.value) || (number.high && *number.high < number.value)) {
    throw InputError({file, place}, "has a value outside its own low and high",
                     "low <= value <= high");
  }
  if (number.source.find_first_not_of(" \t\n") == std::string::npos) {
    throw InputError({file, place + "/source"}, "is empty",
                     "a document and table, 'measured: ...' or 'assumed: why'");
  }
}

template <class T>
void RequireNumber(const std::optional<Sourced<T>>& number, const std::string& place,
                   const std::string& file, Zero zero) {
  if (number) RequireNumber(*number, place, file, zero);
}

void RequireShare(const std::optional<Sourced<Share>>& share, const std::string& place,
                  const std::string& file) {
  RequireNumber(share, place, file, Zero::kAllowed);
  if (share && std::max(share->value, share->high.value_or(share->value)) > Share(1)) {
    throw InputError({file, place}, "is more than 1", "a share, 0 to 1");
  }
}

// peak, and the rate with one token where there is one.
template <class Rate>
void RequireRates(const Rate& rate, bool bounded, const std::string& place,
                  const std::string& file) {
  RequireNumber(rate.peak, place + "/peak_macs_per_s", file);
  RequireNumber(rate.one_token, place + "/one_token_macs_per_s", file, Zero::kRefused);
  if (bounded && rate.one_token && rate.one_token->value > rate.peak.value) {
    throw InputError({file, place + "/one_token_macs_per_s"}, "is more than the peak",
                     "at most the peak");
  }
}

void RequireResiduals(const PhaseResiduals& residuals, const std::string& place,
                      const std::string& file) {
  const auto error = [&](double value, const char* key) {
    if (value >= 0 && value <= kLargest) return;
    throw InputError({file, place + key}, "is " + std::to_string(value), "0 or more");
  };
  error(residuals.median_relative_error, "/median_relative_error");
  error(residuals.p90_relative_error, "/p90_relative_error");
  if (residuals.measurements < 1) {
    throw InputError({file, place + "/measurements"},
                     "is " + std::to_string(residuals.measurements), "1 or more");
  }
}

void RequireResiduals(const Residuals& residuals, const std::string& place,
                      const std::string& file) {
  if (residuals.measured_on.empty())
    throw InputError({file, place + "/measured_on"}, "is empty", "a machine");
  if (residuals.decode) RequireResiduals(*residuals.decode, place + "/decode", file);
  if (residuals.prefill) RequireResiduals(*residuals.prefill, place + "/prefill", file);
}

}  // namespace

void Validate(const SocSpec& soc, const InputError::Where& root) {
  const std::string& file = root.file;
  if (soc.name.empty()) throw InputError({file, root.place + "/name"}, "is empty", "a name");
  if (soc.levels.size() > kMaxLevels) {
    throw InputError({file, root.place + "/levels"},
                     "has " + std::to_string(soc.levels.size()) + " levels",
                     "at most " + std::to_string(kMaxLevels));
  }
  bool has_dram = false;
  for (size_t i = 0; i < soc.levels.size(); ++i) {
    const MemoryLevel& level = soc.levels[i];
    const std::string place = root.place + "/levels/" + std::to_string(i);
    if (level.name.empty()) throw InputError({file, place + "/name"}, "is empty", "a name");
    for (size_t j = 0; j < i; ++j) {
      if (soc.levels[j].name == level.name) {
        throw InputError({file, place + "/name"}, "repeats '" + level.name + "'",
                         "one level of each name");
      }
    }
    RequireNumber(level.capacity, place + "/capacity_bytes", file);
    RequireNumber(level.read_bandwidth, place + "/read_bandwidth_bytes_per_s", file);
    RequireNumber(level.write_bandwidth, place + "/write_bandwidth_bytes_per_s", file);
    RequireNumber(level.read_energy, place + "/read_energy_j_per_byte", file, Zero::kAllowed);
    RequireNumber(level.write_energy, place + "/write_energy_j_per_byte", file, Zero::kAllowed);
    if (i > 0 && level.kind < soc.levels[i - 1].kind) {
      throw InputError({file, place + "/kind"},
                       "is " + std::string(ToText(level.kind)) + " after " +
                           std::string(ToText(soc.levels[i - 1].kind)),
                       "levels nearest first: sram, dram, flash");
    }
    if (level.kind == LevelKind::kDram && has_dram) {
      throw InputError({file, place + "/kind"}, "is a second dram level", "exactly one");
    }
    has_dram = has_dram || level.kind == LevelKind::kDram;
  }
  if (!has_dram)
    throw InputError({file, root.place + "/levels"}, "has no dram level", "exactly one");
  if (soc.compute.empty())
    throw InputError({file, root.place + "/compute"}, "is empty", "at least one rate");
  for (size_t i = 0; i < soc.compute.size(); ++i) {
    const std::string place = root.place + "/compute/" + std::to_string(i);
    RequireRates(soc.compute[i], true, place, file);
    RequireNumber(soc.compute[i].energy, place + "/energy_j_per_mac", file, Zero::kAllowed);
    RequireNumber(soc.compute[i].unpack, place + "/unpack_bytes_per_s", file, Zero::kRefused);
    RequireShare(soc.compute[i].exposed, place + "/exposed_share", file);
    for (size_t j = 0; j < i; ++j) {
      if (soc.compute[j].dtype == soc.compute[i].dtype) {
        throw InputError({file, place + "/dtype"},
                         "repeats " + std::string(ToText(soc.compute[i].dtype)),
                         "one rate for each dtype");
      }
    }
  }
  RequireNumber(soc.fixed.per_operator, root.place + "/fixed/per_operator_s", file, Zero::kAllowed);
  RequireNumber(soc.fixed.per_executed_block, root.place + "/fixed/per_executed_block_s", file,
                Zero::kAllowed);
  RequireNumber(soc.fixed.per_token, root.place + "/fixed/per_token_s", file, Zero::kAllowed);
  if (soc.attention) {
    RequireRates(*soc.attention, !soc.attention->kv_unpack, root.place + "/attention", file);
    RequireNumber(soc.attention->kv_unpack, root.place + "/attention/kv_unpack_bytes_per_s", file,
                  Zero::kRefused);
    RequireShare(soc.attention->exposed, root.place + "/attention/exposed_share", file);
  }
  RequireNumber(soc.elementwise, root.place + "/elementwise_bytes_per_s", file, Zero::kRefused);
  if (soc.residuals) RequireResiduals(*soc.residuals, root.place + "/residuals", file);
  RequireNumber(soc.battery, root.place + "/battery_j", file, Zero::kRefused);
  RequireNumber(soc.init_per_stored_block, root.place + "/init_per_stored_block_s", file,
                Zero::kAllowed);
  RequireNumber(soc.sustained, root.place + "/sustained_share", file, Zero::kRefused);
  RequireShare(soc.sustained, root.place + "/sustained_share", file);
}

}  // namespace deepthin

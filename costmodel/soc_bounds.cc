#include "costmodel/soc_bounds.h"

#include <cstdio>
#include <string>

#include "spec/errors.h"

namespace deepthin::costmodel {
namespace {

// In base units, both ends included. From the smallest microcontroller cache to a server's, with
// room on both sides: not a statement about any product.
struct Bounds {
  double low;
  double high;
  const char* text;
};

constexpr Bounds kSramCapacity = {0x1p16, 0x1p30, "bytes, 64 KiB to 1 GiB"};
constexpr Bounds kDramCapacity = {0x1p26, 0x1p42, "bytes, 64 MiB to 4 TiB"};
constexpr Bounds kFlashCapacity = {0x1p30, 0x1p47, "bytes, 1 GiB to 128 TiB"};
constexpr Bounds kSramBandwidth = {1e9, 1e14, "bytes per second, 1e9 to 1e14"};
constexpr Bounds kDramBandwidth = {1e8, 1e13, "bytes per second, 1e8 to 1e13"};
constexpr Bounds kFlashBandwidth = {1e6, 1e11, "bytes per second, 1e6 to 1e11"};
constexpr Bounds kByteEnergy = {1e-14, 1e-8, "joules per byte, 1e-14 to 1e-8"};
constexpr Bounds kMacRate = {1e8, 1e16, "MACs per second, 1e8 to 1e16"};
constexpr Bounds kMacEnergy = {1e-15, 1e-9, "joules per MAC, 1e-15 to 1e-9"};
constexpr Bounds kUnpacking = {1e7, 1e14, "bytes per second, 1e7 to 1e14"};
constexpr Bounds kFixedCost = {0, 1, "seconds, at most 1"};
constexpr Bounds kInit = {0, 100, "seconds, at most 100"};
constexpr Bounds kBattery = {1e3, 1e7, "joules, 1e3 to 1e7 (1 Wh is 3,600)"};

const Bounds& CapacityBounds(LevelKind kind) {
  if (kind == LevelKind::kSram) return kSramCapacity;
  return kind == LevelKind::kDram ? kDramCapacity : kFlashCapacity;
}

const Bounds& BandwidthBounds(LevelKind kind) {
  if (kind == LevelKind::kSram) return kSramBandwidth;
  return kind == LevelKind::kDram ? kDramBandwidth : kFlashBandwidth;
}

class Checker {
 public:
  explicit Checker(const InputError::Where& root) : root_(root) {}

  template <class T>
  void Number(const Sourced<T>& number, const Bounds& bounds, const std::string& place) const {
    Quantity(number.value, bounds, place + "/value");
    if (number.low) Quantity(*number.low, bounds, place + "/low");
    if (number.high) Quantity(*number.high, bounds, place + "/high");
  }
  template <class T>
  void Number(const std::optional<Sourced<T>>& number, const Bounds& bounds,
              const std::string& place) const {
    if (number) Number(*number, bounds, place);
  }

  [[noreturn]] void Throw(const std::string& place, const std::string& found,
                          const std::string& expected) const {
    throw InputError({root_.file, root_.place + place}, found, expected);
  }

 private:
  template <class T>
  void Quantity(T quantity, const Bounds& bounds, const std::string& place) const {
    const auto value = static_cast<double>(quantity.value());
    // A number that may be 0 says with it that another contains it.
    if (value == 0 || (value >= bounds.low && value <= bounds.high)) return;
    char text[64];
    std::snprintf(text, sizeof(text), "is %g, as if in another unit", value);
    Throw(place, text, bounds.text);
  }

  const InputError::Where& root_;
};

std::string LevelPlace(size_t i) { return "/levels/" + std::to_string(i); }

void RequireOrder(const Checker& check, const MemoryLevel& nearer, const MemoryLevel& level,
                  size_t i) {
  const std::string behind = "'" + nearer.name + "', which is nearer";
  if (level.capacity.value < nearer.capacity.value) {
    check.Throw(LevelPlace(i) + "/capacity_bytes", "is less than that of " + behind,
                "levels nearest first, each at least as large as the one before");
  }
  if (level.read_bandwidth.value > nearer.read_bandwidth.value) {
    check.Throw(LevelPlace(i) + "/read_bandwidth_bytes_per_s", "is more than that of " + behind,
                "levels nearest first, none faster than the one before");
  }
  if (level.read_energy && nearer.read_energy &&
      level.read_energy->value < nearer.read_energy->value) {
    check.Throw(LevelPlace(i) + "/read_energy_j_per_byte", "is less than that of " + behind,
                "levels nearest first, none cheaper than the one before");
  }
}

}  // namespace

void RequirePlausible(const SocSpec& soc, const InputError::Where& root) {
  const Checker check(root);
  for (size_t i = 0; i < soc.levels.size(); ++i) {
    const MemoryLevel& level = soc.levels[i];
    const std::string place = LevelPlace(i);
    check.Number(level.capacity, CapacityBounds(level.kind), place + "/capacity_bytes");
    const Bounds& bandwidth = BandwidthBounds(level.kind);
    check.Number(level.read_bandwidth, bandwidth, place + "/read_bandwidth_bytes_per_s");
    check.Number(level.write_bandwidth, bandwidth, place + "/write_bandwidth_bytes_per_s");
    check.Number(level.read_energy, kByteEnergy, place + "/read_energy_j_per_byte");
    check.Number(level.write_energy, kByteEnergy, place + "/write_energy_j_per_byte");
    if (i > 0) RequireOrder(check, soc.levels[i - 1], level, i);
  }
  for (size_t i = 0; i < soc.compute.size(); ++i) {
    const std::string place = "/compute/" + std::to_string(i);
    check.Number(soc.compute[i].peak, kMacRate, place + "/peak_macs_per_s");
    check.Number(soc.compute[i].one_token, kMacRate, place + "/one_token_macs_per_s");
    check.Number(soc.compute[i].energy, kMacEnergy, place + "/energy_j_per_mac");
    check.Number(soc.compute[i].unpack, kUnpacking, place + "/unpack_bytes_per_s");
  }
  check.Number(soc.fixed.per_operator, kFixedCost, "/fixed/per_operator_s");
  check.Number(soc.fixed.per_executed_block, kFixedCost, "/fixed/per_executed_block_s");
  check.Number(soc.fixed.per_token, kFixedCost, "/fixed/per_token_s");
  check.Number(soc.elementwise, kSramBandwidth, "/elementwise_bytes_per_s");
  if (soc.attention) {
    check.Number(soc.attention->peak, kMacRate, "/attention/peak_macs_per_s");
    check.Number(soc.attention->one_token, kMacRate, "/attention/one_token_macs_per_s");
    check.Number(soc.attention->kv_unpack, kUnpacking, "/attention/kv_unpack_bytes_per_s");
  }
  check.Number(soc.battery, kBattery, "/battery_j");
  check.Number(soc.init_per_stored_block, kInit, "/init_per_stored_block_s");
}

}  // namespace deepthin::costmodel

// Physical quantities as types. A quantity holds its base unit (byte, second, joule, MAC), is made
// by a named factory and gives up its number only through value(). Adding bytes to seconds does not
// compile.
//
//   Seconds t = MiB(7) / GBps(16.4);
//
// Capacities are binary (KiB, MiB, GiB), bandwidths decimal (1 GB/s = 1e9 bytes per second):
// docs/units.md.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>

namespace deepthin {

template <class Unit, class Rep>
class Quantity {
 public:
  using rep = Rep;

  constexpr Quantity() = default;
  // In base units.
  explicit constexpr Quantity(Rep value) : value_(value) {}

  // In base units.
  [[nodiscard]] constexpr Rep value() const { return value_; }

  constexpr Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    value_ -= other.value_;
    return *this;
  }

  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.value_ + b.value_);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity(a.value_ - b.value_);
  }
  friend constexpr Quantity operator*(Quantity a, Rep factor) {
    return Quantity(a.value_ * factor);
  }
  friend constexpr Quantity operator*(Rep factor, Quantity a) { return a * factor; }
  friend constexpr Quantity operator/(Quantity a, Rep divisor) {
    return Quantity(a.value_ / divisor);
  }
  // The ratio of two like quantities is a plain number.
  friend constexpr double operator/(Quantity a, Quantity b) {
    return static_cast<double>(a.value_) / static_cast<double>(b.value_);
  }
  friend constexpr auto operator<=>(Quantity, Quantity) = default;

 private:
  Rep value_{};
};

template <class T>
inline constexpr bool kIsQuantity = false;
template <class Unit, class Rep>
inline constexpr bool kIsQuantity<Quantity<Unit, Rep>> = true;

// Counts are exact integers: a working set fits at n bytes and not at n - 1.
using Bytes = Quantity<struct ByteUnit, int64_t>;
using Macs = Quantity<struct MacUnit, int64_t>;  // multiply-accumulates; 1 MAC = 2 FLOP
using Seconds = Quantity<struct SecondUnit, double>;
using Joules = Quantity<struct JouleUnit, double>;
using BytesPerSecond = Quantity<struct BytesPerSecondUnit, double>;
using MacsPerSecond = Quantity<struct MacsPerSecondUnit, double>;
using JoulesPerByte = Quantity<struct JoulesPerByteUnit, double>;
using JoulesPerMac = Quantity<struct JoulesPerMacUnit, double>;
using Share = Quantity<struct ShareUnit, double>;  // 0 to 1

[[nodiscard]] constexpr Bytes KiB(int64_t n) { return Bytes(n << 10); }
[[nodiscard]] constexpr Bytes MiB(int64_t n) { return Bytes(n << 20); }
[[nodiscard]] constexpr Bytes GiB(int64_t n) { return Bytes(n << 30); }
[[nodiscard]] constexpr Seconds Milliseconds(double n) { return Seconds(n * 1e-3); }
[[nodiscard]] constexpr Seconds Microseconds(double n) { return Seconds(n * 1e-6); }
[[nodiscard]] constexpr Seconds Nanoseconds(double n) { return Seconds(n * 1e-9); }
[[nodiscard]] constexpr BytesPerSecond GBps(double n) { return BytesPerSecond(n * 1e9); }
[[nodiscard]] constexpr MacsPerSecond GMacsPerSecond(double n) { return MacsPerSecond(n * 1e9); }
[[nodiscard]] constexpr JoulesPerByte PicojoulesPerByte(double n) {
  return JoulesPerByte(n * 1e-12);
}
[[nodiscard]] constexpr JoulesPerMac PicojoulesPerMac(double n) { return JoulesPerMac(n * 1e-12); }

[[nodiscard]] constexpr double ToMilliseconds(Seconds t) { return t.value() * 1e3; }
[[nodiscard]] constexpr double ToMicroseconds(Seconds t) { return t.value() * 1e6; }
[[nodiscard]] constexpr double ToMegabytes(Bytes b) {
  return static_cast<double>(b.value()) * 1e-6;
}
[[nodiscard]] constexpr double ToMiB(Bytes b) { return static_cast<double>(b.value()) / (1 << 20); }
[[nodiscard]] constexpr double ToGBps(BytesPerSecond b) { return b.value() * 1e-9; }

[[nodiscard]] constexpr Seconds operator/(Bytes b, BytesPerSecond rate) {
  return Seconds(static_cast<double>(b.value()) / rate.value());
}
[[nodiscard]] constexpr BytesPerSecond operator/(Bytes b, Seconds t) {
  return BytesPerSecond(static_cast<double>(b.value()) / t.value());
}
[[nodiscard]] constexpr Seconds operator/(Macs m, MacsPerSecond rate) {
  return Seconds(static_cast<double>(m.value()) / rate.value());
}
[[nodiscard]] constexpr Joules operator*(Bytes b, JoulesPerByte cost) {
  return Joules(static_cast<double>(b.value()) * cost.value());
}
[[nodiscard]] constexpr Joules operator*(Macs m, JoulesPerMac cost) {
  return Joules(static_cast<double>(m.value()) * cost.value());
}

}  // namespace deepthin

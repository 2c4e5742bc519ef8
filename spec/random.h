// Random numbers that are the same on every machine: std:: distributions differ between libraries.
#pragma once

#include <cstdint>

namespace deepthin {

// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
// Period 2^64; not for cryptography.
class SplitMix64 {
 public:
  explicit constexpr SplitMix64(uint64_t seed) : state_(seed) {}

  constexpr uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  // In [0, 1), a multiple of 2^-53.
  constexpr double NextUnit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

  // In [0, n). The bias of the remainder is below n / 2^64. REQUIRES: n >= 1.
  constexpr int64_t NextBelow(int64_t n) {
    return static_cast<int64_t>(Next() % static_cast<uint64_t>(n));
  }

 private:
  uint64_t state_;
};

}  // namespace deepthin

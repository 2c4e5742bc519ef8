// Micro-measurements of this machine: what its memory and its kernels reach by themselves. A fit
// starts from them, and keeps those of which a sweep says nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spec/dtype.h"
#include "spec/fields.h"
#include "spec/units.h"

namespace deepthin::calibrate {

struct ReadRate {
  Bytes working_set;
  BytesPerSecond rate;

  friend bool operator==(const ReadRate&, const ReadRate&) = default;
};

// Products with a matrix that stays in the caches nearest to the cores.
struct ProductRate {
  Dtype dtype = Dtype::kF32;
  int64_t tokens = 1;
  MacsPerSecond rate;

  friend bool operator==(const ProductRate&, const ProductRate&) = default;
};

struct HostRates {
  std::vector<ReadRate> reads;
  std::vector<ProductRate> products;
  Seconds fork_join;  // a loop over all threads that does nothing

  friend bool operator==(const HostRates&, const HostRates&) = default;
};

// Medians, on `threads` threads. Takes a few seconds. Throws EnvironmentError where memory does not
// suffice.
[[nodiscard]] HostRates MeasureHostRates(int64_t threads);

// Of each number the median of several measurements. REQUIRES: not empty, of the same things.
[[nodiscard]] HostRates MedianOf(std::span<const HostRates> measured);

}  // namespace deepthin::calibrate

template <>
struct deepthin::Fields<deepthin::calibrate::ReadRate> {
  using S = calibrate::ReadRate;
  static constexpr auto kList =
      std::tuple(Field("working_set_bytes", &S::working_set, "read again and again"),
                 Field("rate_bytes_per_s", &S::rate, "median"));
};

template <>
struct deepthin::Fields<deepthin::calibrate::ProductRate> {
  using S = calibrate::ProductRate;
  static constexpr auto kList = std::tuple(Field("dtype", &S::dtype, "format of the weights"),
                                           Field("tokens", &S::tokens, "multiplied at once"),
                                           Field("rate_macs_per_s", &S::rate, "median"));
};

template <>
struct deepthin::Fields<deepthin::calibrate::HostRates> {
  using S = calibrate::HostRates;
  static constexpr auto kList =
      std::tuple(Field("reads", &S::reads, "reading by working set"),
                 Field("products", &S::products, "by format and number of tokens"),
                 Field("fork_join_s", &S::fork_join, "a loop of all threads that does nothing"));
};
